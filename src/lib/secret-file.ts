/** Secrets that a daemon makes at its first start: whoever can read the file is believed. */
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
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** The secret in `path`; made if there is none. Throws where others could have read or written it. */
export function keepSecret(path: string): string {
  return readSecret(path) ?? makeSecret(path)
}

function readSecret(path: string): string | null {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    const { uid, mode } = fstatSync(file)
    if (uid !== process.getuid?.() || (mode & 0o077) !== 0) {
      throw new Error(
        `${path} must belong to the account of the daemon with mode 0600: others may know this secret. ` +
          'Remove it, and a new one is made at the next start',
      )
    }
    const text = readFileSync(file, 'utf8').trim()
    // Anything else is what a power cut left behind.
    return /^[0-9a-f]{64}$/.test(text) ? text : null
  } finally {
    closeSync(file)
  }
}

function makeSecret(path: string): string {
  const secret = randomBytes(32).toString('hex')
  const draft = `${path}.new`
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', 0o600)
  writeSync(file, `${secret}\n`)
  fsyncSync(file)
  closeSync(file)
  renameSync(draft, path)
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
  return secret
}
