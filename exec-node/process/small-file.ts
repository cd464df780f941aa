/**
 * The agent's own small files. Written at once: a write that the kernel takes into memory is several times shorter
 * than the way through the thread pool, and a data folder that hangs leaves an agent nothing to do anyway.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** By rename: a reader sees the old or the new, and after a loss of power so does ext4. */
export function replaceSmall(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/**
 * For files that are replaced often: ext4 answers a rename over a file by writing the new one out at once
 * (auto_da_alloc), some milliseconds where the disk is busy. Without the old one it does not; whoever ends in between
 * leaves the new one under its first name, and `settleSmall` finds it. After a loss of power it may be empty: it is for what tells of
 * processes, of which then none is left.
 */
export function replaceOften(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  rmSync(path, { force: true })
  renameSync(`${path}.new`, path)
}

/** After a start: what `replaceOften` was doing is finished, or, where the old file stands, was not yet begun. */
export function settleSmall(path: string): void {
  if (!existsSync(`${path}.new`)) return
  if (existsSync(path)) rmSync(`${path}.new`)
  else renameSync(`${path}.new`, path)
}
