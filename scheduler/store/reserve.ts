/**
 * A file that does nothing but take space: given up when the disk is full, so that what stops work and
 * makes room can still be written; taken back when there is room for it twice.
 */
import { randomFillSync } from 'node:crypto'
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export type Reserve = {
  readonly held: boolean
  /** True if space was given up now. */
  release(): boolean
  /** True if it is held again now. */
  restore(): boolean
}

export const noReserve: Reserve = { held: true, release: () => false, restore: () => false }

export function openReserve(path: string, sizeBytes: number): Reserve {
  let held = sizeOf(path) === sizeBytes
  const fits = () => {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize >= 2 * sizeBytes
  }
  const take = () => {
    if (!fits()) return false
    try {
      fill(path, sizeBytes)
      return true
    } catch {
      rmSync(path, { force: true })
      return false
    }
  }
  if (!held) held = take()
  return {
    get held() {
      return held
    },
    release() {
      if (!held) return false
      rmSync(path, { force: true })
      held = false
      return true
    },
    restore() {
      if (held || !take()) return false
      held = true
      return true
    },
  }
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

function fill(path: string, sizeBytes: number): void {
  // Random, because zeros take no space on file systems that compress.
  const block = randomFillSync(Buffer.alloc(1 << 20))
  const file = openSync(path, 'w', 0o600)
  try {
    for (let left = sizeBytes; left > 0;)
      left -= writeSync(file, block, 0, Math.min(left, block.length))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
