/** The key under which a change is done once, however often it is asked for. */
import { readFileSync } from 'node:fs'

/** A random UUID of the kernel's: node:crypto takes longer to load than such a request takes. */
export async function idempotencyKey(): Promise<string> {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim()
  } catch {
    // Where there is no such file: the client library also runs elsewhere.
    const { randomUUID } = await import('node:crypto')
    return randomUUID()
  }
}
