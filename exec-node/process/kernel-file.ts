/**
 * Small files of /proc and the cgroup trees. The kernel answers them from memory, so a synchronous
 * read is both safe and several times quicker than a trip through the thread pool.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'

const buffer = Buffer.alloc(65_536)

/** What the kernel says of a process or cgroup that is gone, or of a file that has nothing to tell. */
const absent = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'ENOTSUP', 'EOPNOTSUPP'])
const notOurs = new Set(['EACCES', 'EPERM', 'ENOTDIR'])

/** Null when it is gone; any other failure throws, for what cannot be read may well live. */
export function readSmall(path: string): string | null {
  try {
    return readFully(path)
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

/** Null also for what is kept from us: another account's process, a mount that is not for us. */
export function readIfAllowed(path: string): string | null {
  try {
    return readSmall(path)
  } catch (error) {
    if (notOurs.has(codeOf(error))) return null
    throw error
  }
}

export function isGone(error: unknown): boolean {
  return absent.has(codeOf(error))
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

function readFully(path: string): string {
  const file = openSync(path, 'r')
  try {
    let used = 0
    for (;;) {
      const got = readSync(file, buffer, used, buffer.length - used, null)
      used += got
      if (got === 0 || used === buffer.length) return buffer.toString('utf8', 0, used)
    }
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
