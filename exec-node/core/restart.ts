/** When a continuous job runs again after a run of it ended. */
import type { Cause } from '../../proto/cause.ts'

/** 1 s, 2 s, 4 s … and up to a quarter more by chance, so that the longest wait is 5 min. */
const firstMs = 1_000
const lastMs = 240_000
const jitter = 0.25

/** A run that lasted so long was healthy: what ended before it is forgiven. */
const healthyMs = 600_000
const crashLoopFailures = 5

export const isCrashLoop = (failures: number): boolean => failures >= crashLoopFailures

/** `failures`: ends in a row without a healthy time between; `random` from 0 up to 1. */
export function backoffMs(failures: number, random: number): number {
  const base = Math.min(lastMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)))
  return Math.round(base * (1 + jitter * random))
}

export type AfterRun =
  | { kind: 'over'; cause: Cause }
  | { kind: 'again'; delayMs: number; failures: number }

export type EndedRun = { cause: Cause; lastedMs: number; policy: 'always' | 'on-failure' }

/** What follows a run of a continuous job that nobody asked to end. */
export function afterRun(ended: EndedRun, failures: number, random: number): AfterRun {
  const { cause } = ended
  // Cut off or rebooted: the scheduler may have placed the task elsewhere, only a new epoch may run.
  if (cause.kind === 'lease-expired' || cause.kind === 'node-lost') return { kind: 'over', cause }
  if (cause.kind === 'restarted') return { kind: 'again', delayMs: 0, failures: 0 }
  if (ended.policy === 'on-failure' && cause.kind === 'exit' && cause.code === 0) {
    return { kind: 'over', cause }
  }
  if (ended.lastedMs >= healthyMs) {
    return { kind: 'again', delayMs: backoffMs(1, random), failures: 0 }
  }
  return { kind: 'again', delayMs: backoffMs(failures + 1, random), failures: failures + 1 }
}
