/** Folders of a cgroup tree: their files come and go with them, so only rmdir removes one. */
import { accessSync, constants, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

import { pidsIn } from './cgroup-driver.ts'
import { isGone, readSmall } from './kernel-file.ts'
import type { RunKey } from './run-driver.ts'

/** True when the folder stands and is ours to make folders in and move processes into. */
export function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true })
    accessSync(path, constants.W_OK)
    accessSync(join(path, 'cgroup.procs'), constants.W_OK)
    return true
  } catch {
    return false
  }
}

export function listFolders(path: string): RunKey[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** Also of folders within, which an owner to whom the subtree is delegated may have made. */
export function pidsWithin(path: string): number[] {
  return [
    ...pidsIn(readSmall(join(path, 'cgroup.procs'))),
    ...listFolders(path).flatMap((inner) => pidsWithin(join(path, inner))),
  ]
}

export function removeFolder(path: string): boolean {
  try {
    for (const inner of listFolders(path)) removeFolder(join(path, inner))
    rmdirSync(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/** Removes the folder only if no run's folder is in it. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // In use, or gone.
  }
}
