/** Files that are there whole or not at all: written as a private draft beside their place, synced, then put there. */
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'

import { StoreError } from './store.ts'

/** An empty file that only we can read; what an earlier writer left is removed. `by` parts writers that no lock does. */
export function makeDraft(path: string, by = ''): string {
  const draft = `${path}${by}.partial`
  rmSync(draft, { force: true })
  closeSync(openSync(draft, 'wx', 0o600))
  return draft
}

/** On disk under its name when this returns. Without `overwrite` what has that name by now stays and is told. */
export function settleDraft(draft: string, path: string, { overwrite = true } = {}): void {
  syncPath(draft)
  if (overwrite || !linkedTo(draft, path)) renameSync(draft, path)
  else rmSync(draft)
  syncPath(dirname(path))
}

/** A file's bytes, or a folder's names, are on disk. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** False where the file system knows no links. */
function linkedTo(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new StoreError('exists', `${path} exists`, { cause: error })
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return false
    throw error
  }
}
