/** Who the kernel chose when a run's memory was used up, from its log where we may read it. */
import { closeSync, constants, openSync, readSync } from 'node:fs'

import type { RunKey } from './run-driver.ts'

const known = new Map<RunKey, string>()

export function oomVictim(key: RunKey): string | null {
  if (!known.has(key)) {
    const line = kernelLog().findLast(
      (text) => text.includes('oom-kill:') && text.includes(`/${key},`),
    )
    const name = line?.match(/,task=([^,]*),pid=/)?.[1]
    if (name !== undefined) known.set(key, name)
  }
  return known.get(key) ?? null
}

export function forgetVictim(key: RunKey): void {
  known.delete(key)
}

/** Each read of /dev/kmsg gives one record; EAGAIN is its end, EPIPE a record lost meanwhile. */
function kernelLog(): string[] {
  const records: string[] = []
  const buffer = Buffer.alloc(8192)
  let file: number
  try {
    file = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return records
  }
  for (;;) {
    try {
      records.push(buffer.toString('utf8', 0, readSync(file, buffer)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') continue
      closeSync(file)
      return records
    }
  }
}
