/**
 * Small files of /proc and the cgroup trees. The kernel answers them from memory, so a synchronous
 * read is both safe and several times quicker than a trip through the thread pool.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'

const buffer = Buffer.alloc(65_536)

export function readSmall(path: string): string | null {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    let used = 0
    for (;;) {
      const got = readSync(file, buffer, used, buffer.length - used, null)
      used += got
      if (got === 0 || used === buffer.length) return buffer.toString('utf8', 0, used)
    }
  } catch {
    return null
  } finally {
    closeSync(file)
  }
}

export function writeSmall(path: string, value: string): boolean {
  try {
    writeFileSync(path, value)
    return true
  } catch {
    return false
  }
}

/** The number after `name ` at the start of a line, as in memory.events or cpu.stat. */
export function field(text: string | null, name: string): number | null {
  const found = text?.match(new RegExp(`(?:^|[\\n|])${name} (\\d+)`))
  return found ? Number(found[1]) : null
}
