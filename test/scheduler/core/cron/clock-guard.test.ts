import { expect, it } from 'vitest'

import {
  confirmClock,
  startClock,
  watchClock,
  type ClockState,
} from '../../../../scheduler/core/cron/clock-guard.ts'

const minuteMs = 60_000
const at = (wallMinutes: number, monotonicMinutes: number) => ({
  wallMs: wallMinutes * minuteMs,
  monotonicMs: monotonicMinutes * minuteMs,
})

function run(
  state: ClockState,
  ...readings: [number, number][]
): { kinds: string[]; state: ClockState } {
  const kinds: string[] = []
  let now = state
  for (const [wall, monotonic] of readings) {
    const next = watchClock(now, at(wall, monotonic))
    kinds.push(next.verdict.kind)
    now = next.state
  }
  return { kinds, state: now }
}

it('lets small steps and long pauses pass', () => {
  const { kinds } = run(startClock(at(100, 0)), [101, 1], [105, 2], [104, 3], [700, 600])
  expect(kinds).toEqual(['steady', 'steady', 'steady', 'steady'])
})

it('holds after a step, to either side, until ten steady minutes are over', () => {
  for (const step of [60, -60]) {
    const { kinds, state } = run(
      startClock(at(1000, 0)),
      [1001 + step, 1],
      [1006 + step, 6],
      [1010.9 + step, 10.9],
      [1011 + step, 11],
      [1012 + step, 12],
    )
    expect(kinds).toEqual(['stepped', 'held', 'held', 'released', 'steady'])
    expect(state.hold).toBeNull()
  }
})

it('starts the ten minutes anew when it steps again, also back to where it was', () => {
  const { kinds, state } = run(startClock(at(0, 0)), [60, 1], [65, 6], [10, 10], [15, 15], [20, 20])
  expect(kinds).toEqual(['stepped', 'held', 'stepped', 'held', 'released'])
  expect(state.hold).toBeNull()
})

it('adds up small steps within ten minutes', () => {
  const { kinds } = run(startClock(at(0, 0)), [4, 1], [7, 2], [10, 3])
  expect(kinds).toEqual(['steady', 'steady', 'stepped'])
})

it('is released by an operator', () => {
  const { state } = run(startClock(at(0, 0)), [60, 1])
  expect(state.hold).toEqual({ steppedByMs: 59 * minuteMs, sinceMonotonicMs: minuteMs })
  expect(run(confirmClock(at(61, 2)), [62, 3]).kinds).toEqual(['steady'])
})
