/** A path for a database in a folder that goes when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'

export function databasePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'evergrid.db')
}
