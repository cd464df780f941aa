/** Folders with all that are missing above them, and why one cannot be made. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * The first folder that was made; undefined where all were there. Node's own `recursive` never returns where there can be
 * no folder though the one above is there, as in /proc.
 */
export function makeFolders(path: string, mode = 0o777): string | undefined {
  const folder = resolve(path)
  if (isFolder(folder)) return undefined
  const above = dirname(folder)
  const first = existsSync(above) ? undefined : makeFolders(above, mode)
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    // Somebody else was quicker, and it is not ours.
    if (!isFolder(folder)) throw error
    return first
  }
  return first ?? folder
}

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/** In words, of what `makeFolders` and a look into a folder throw. */
export function folderProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return words[code ?? ''] ?? message
}

const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EEXIST: 'it is no folder',
  ENOTDIR: 'it is no folder',
  ENOENT: 'no folder can be made there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}
