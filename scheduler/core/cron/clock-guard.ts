/**
 * Watches the wall clock against the monotonic one. A step of more than five minutes holds firing until
 * an operator confirms the new time, or until the wall clock has kept pace for ten minutes after it: a
 * right correction costs ten minutes of punctuality, a clock that jumps to and fro fires nothing.
 *
 * Drift is measured from an anchor that moves on every ten minutes, so many small steps count as one.
 * The monotonic clock should be one that also runs while the machine sleeps, or waking is a step.
 */
import type { Millis } from '../../../proto/ids.ts'

export type ClockReading = { wallMs: Millis; monotonicMs: number }
export type ClockHold = { steppedByMs: number; sinceMonotonicMs: number }
export type ClockState = { anchor: ClockReading; hold: ClockHold | null }
export type ClockVerdict =
  | { kind: 'steady' }
  | { kind: 'stepped'; byMs: number }
  | { kind: 'held'; steppedByMs: number; leftMs: number }
  | { kind: 'released'; steppedByMs: number }

const clockCaps = { stepMs: 300_000, settleMs: 600_000, anchorMs: 600_000 }

export const startClock = (now: ClockReading): ClockState => ({ anchor: now, hold: null })

/** Firing is allowed exactly when `state.hold` is null. */
export function watchClock(
  state: ClockState,
  now: ClockReading,
  caps = clockCaps,
): { state: ClockState; verdict: ClockVerdict } {
  const elapsedMs = now.monotonicMs - state.anchor.monotonicMs
  const byMs = now.wallMs - state.anchor.wallMs - elapsedMs
  if (Math.abs(byMs) > caps.stepMs) {
    const steppedByMs = byMs + (state.hold?.steppedByMs ?? 0)
    const hold = { steppedByMs, sinceMonotonicMs: now.monotonicMs }
    return { state: { anchor: now, hold }, verdict: { kind: 'stepped', byMs } }
  }
  const { hold } = state
  const anchor = hold === null && elapsedMs >= caps.anchorMs ? now : state.anchor
  if (hold === null) return { state: { anchor, hold }, verdict: { kind: 'steady' } }
  const leftMs = hold.sinceMonotonicMs + caps.settleMs - now.monotonicMs
  const { steppedByMs } = hold
  if (leftMs > 0) return { state, verdict: { kind: 'held', steppedByMs, leftMs } }
  return { state: startClock(now), verdict: { kind: 'released', steppedByMs } }
}

/** An operator says that the wall clock is right as it is. */
export const confirmClock = (now: ClockReading): ClockState => startClock(now)
