/** Small files that hold a secret: whoever can read one is believed. Mode 0600, never seen in part, on disk before they are used. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** What the file holds, without white space around; null where there is none. Throws where others could have read or written it. */
export function readPrivate(path: string): string | null {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const { uid, mode } = fstatSync(file)
    if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
      throw new Error(
        `${path} must belong to the account of the daemon with mode 0600: others may know this secret`,
      )
    return readFileSync(file, 'utf8').trim()
  } finally {
    closeSync(file)
  }
}

/** In place of whatever has that name; its content is on disk afterwards, its name is so after `takePlace` only. */
export function writePrivate(path: string, text: string): void {
  rmSync(path, { force: true })
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, `${text}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Gives a file that was written under another name in the same folder its own, for good. */
export function takePlace(draft: string, path: string): void {
  renameSync(draft, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** 32 random bytes as hex, from `path`; made if there are none. Throws where others could have read or written it. */
export function keepSecret(path: string): string {
  const present = readKept(path)
  // Anything else is what a power cut left behind.
  if (present !== null && /^[0-9a-f]{64}$/.test(present)) return present
  const secret = randomBytes(32).toString('hex')
  writePrivate(`${path}.new`, secret)
  takePlace(`${path}.new`, path)
  return secret
}

function readKept(path: string): string | null {
  try {
    return readPrivate(path)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${why}. Remove it, and a new one is made at the next start`, { cause: error })
  }
}
