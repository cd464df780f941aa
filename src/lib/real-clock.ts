/** The machine's own clock. */
import { openSync, readSync } from 'node:fs'

import type { Clock } from './clock.ts'

/** Longest delay a Node timer takes; longer ones would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** Asked for at every turn, so it stays open: a read at its beginning is made anew by the kernel. */
const uptimeFile = openSync('/proc/uptime', 'r')
const uptimeText = Buffer.alloc(64)

/** Milliseconds since the machine started, asleep or not. */
export function uptime(): number {
  const bytes = readSync(uptimeFile, uptimeText, 0, uptimeText.length, 0)
  return Number.parseFloat(uptimeText.toString('latin1', 0, bytes)) * 1000
}

export function realClock(): Clock {
  return {
    now: () => Date.now(),
    uptime,
    after(delayMs, call) {
      const timer = setTimeout(call, Math.min(Math.max(delayMs, 0), longestTimerMs))
      return () => clearTimeout(timer)
    },
  }
}
