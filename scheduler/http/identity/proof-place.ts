/** The server's side of the proof by file: the folder that users write into, and the look at what they wrote. */
import { timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  rmdir,
  unlink,
  type FileHandle,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { makeFolders } from '../../../src/lib/folder.ts'
import { proofFolderMode } from '../../../src/lib/proof-folder.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

export async function makeProofFolder(folder: string): Promise<void> {
  // Explicitly: a narrow umask would keep out those who are to prove themselves here.
  const made = makeFolders(dirname(folder))
  if (made !== undefined) await chmod(dirname(folder), 0o755)
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const { uid, mode } = await lstat(folder)
  if (uid !== process.getuid?.() || (mode & constants.S_IFMT) !== constants.S_IFDIR) {
    throw new Error(`${folder} must be a folder that belongs to the scheduler's account`)
  }
  await chmod(folder, proofFolderMode)
}

/** Null: account `uid` has written `text`, and nobody else could have. Else what is wrong. */
export async function proofProblem(
  folder: string,
  entry: string,
  uid: number,
  text: string,
): Promise<string | null> {
  const { dev } = await lstat(folder)
  let own: FileHandle | undefined
  let file: FileHandle | undefined
  try {
    own = await open(join(folder, entry), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    const around = await own.stat()
    if (around.uid !== uid || around.dev !== dev) return 'the folder there is of another account'
    // Whoever else may write into it could have moved both here.
    if ((around.mode & 0o077) !== 0) return 'the folder there is open to others; it must be 0700'
    file = await open(insideOf(own), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const fact = await file.stat()
    if (!fact.isFile() || fact.dev !== dev) return 'it is not a plain file'
    if (fact.uid !== uid) return 'the file there is of another account'
    if (fact.nlink !== 1) return 'the file there has a second name'
    return (await holds(file, text))
      ? null
      : 'the file there does not hold this challenge and this connection'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return `the file cannot be read (${code})`
  } finally {
    if (own) await unlink(insideOf(own)).catch(() => {})
    await file?.close()
    await own?.close()
    await rmdir(join(folder, entry)).catch(() => {})
  }
}

/** Through the descriptor: the path could lead elsewhere by now. */
const insideOf = (own: FileHandle) => `/proc/self/fd/${own.fd}/nonce`

async function holds(file: FileHandle, text: string): Promise<boolean> {
  const wanted = Buffer.from(text)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted.length + 1), 0)
  return bytesRead === wanted.length && timingSafeEqual(buffer.subarray(0, bytesRead), wanted)
}

/** Removes what clients that died have left; what a user filled with more than a proof stays his. */
export async function sweepProofFolder(
  folder: string,
  keep: (entry: string) => boolean,
): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    if (keep(entry)) continue
    const path = join(folder, entry)
    const own = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => null)
    if (own === null) {
      await unlink(path).catch(() => {})
      continue
    }
    await unlink(insideOf(own)).catch(() => {})
    await own.close()
    await rmdir(path).catch(() => {})
  }
}
