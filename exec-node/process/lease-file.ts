/** Writes the node's lease where shepherds and the fence read it. */
import { join } from 'node:path'

import { leaseLine, type LeaseRecord } from './run-driver.ts'
import { replaceSmall } from './small-file.ts'

export async function writeLease(nodeDir: string, lease: LeaseRecord): Promise<void> {
  replaceSmall(join(nodeDir, 'lease'), leaseLine(lease))
}
