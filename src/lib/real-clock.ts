/** The machine's own clock. */
import { readFileSync } from 'node:fs'

import type { Clock } from './clock.ts'

/** Longest delay a Node timer takes; longer ones would fire at once. */
const longestTimerMs = 2 ** 31 - 1

export function realClock(): Clock {
  return {
    now: () => Date.now(),
    uptime: () => Number(readFileSync('/proc/uptime', 'latin1').split(' ', 1)[0]) * 1000,
    after(delayMs, call) {
      const timer = setTimeout(call, Math.min(Math.max(delayMs, 0), longestTimerMs))
      return () => clearTimeout(timer)
    },
  }
}
