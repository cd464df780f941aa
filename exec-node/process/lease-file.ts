/** Writes the node's lease where shepherds and the fence read it. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { leaseLine, type LeaseRecord } from './run-driver.ts'

export async function writeLease(nodeDir: string, lease: LeaseRecord): Promise<void> {
  const path = join(nodeDir, 'lease')
  await writeFile(`${path}.new`, leaseLine(lease), { mode: 0o600 })
  await rename(`${path}.new`, path)
}
