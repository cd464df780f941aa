/**
 * The agent's own small files. Written at once: a write that the kernel takes into memory is several times shorter
 * than the way through the thread pool, and a data folder that hangs leaves an agent nothing to do anyway.
 */
import { renameSync, writeFileSync } from 'node:fs'

/** By rename: a reader sees the old or the new. Not synced: after a power loss nothing runs that it tells of. */
export function replaceSmall(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
