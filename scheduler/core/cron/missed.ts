/** Stretches of time whose due times went by, without those that had fired before a clock was set back. */
import type { Millis } from '../../../proto/ids.ts'
import type { CronExpression } from './expression.ts'
import { countDue } from './next-due.ts'

/** `(afterMs, untilMs]` */
export type Window = { afterMs: Millis; untilMs: Millis }

export function missedWindows(
  afterMs: Millis,
  untilMs: Millis,
  except: readonly Millis[],
): readonly Window[] {
  const windows: Window[] = []
  let startMs = afterMs
  for (const fired of except) {
    if (fired <= startMs || fired > untilMs) continue
    windows.push({ afterMs: startMs, untilMs: fired - 1 })
    startMs = fired
  }
  windows.push({ afterMs: startMs, untilMs })
  return windows.filter((window) => window.untilMs > window.afterMs)
}

export function countWindows(expression: CronExpression, windows: readonly Window[]): number {
  return windows.reduce(
    (sum, window) => sum + countDue(expression, window.afterMs, window.untilMs),
    0,
  )
}
