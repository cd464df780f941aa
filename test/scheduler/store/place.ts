/** Places for a database, each in a folder that goes when the test ends. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { onTestFinished } from 'vitest'

export function databasePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'evergrid.db')
}

/** A file system of its own of that size, or null where that is not allowed. */
export function smallDisk(sizeBytes: number): string | null {
  const folder = join(dirname(databasePath()), 'disk')
  mkdirSync(folder)
  const how = ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'evergrid-test', folder]
  if (process.getuid?.() !== 0 || spawnSync('mount', how).status !== 0) return null
  onTestFinished(() => void spawnSync('umount', ['-l', folder]))
  return folder
}
