/** Whatever the wall clock does, a schedule starts no more often than an expression can be due, and once for a due time. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { catchUpPolicies } from '../../../../proto/schedule.ts'
import { startClock, watchClock } from '../../../../scheduler/core/cron/clock-guard.ts'
import { parseExpression } from '../../../../scheduler/core/cron/expression.ts'
import {
  decide,
  firingCaps,
  type FiringDecision,
  type ScheduleFacts,
} from '../../../../scheduler/core/cron/firing.ts'
import {
  blownBy,
  fuseCaps,
  within,
  type RecentStart,
} from '../../../../scheduler/core/cron/fuse.ts'

const minuteMs = 60_000
const noon = Date.UTC(2026, 10, 23, 12)
const generous = { ...firingCaps, fuse: { ...fuseCaps, onTimeMax: Number.POSITIVE_INFINITY } }

describe('the fuse', () => {
  const starts = (count: number, onTime: boolean) =>
    Array.from({ length: count }, () => ({ onTime }))

  it('lets late ones catch up with one that is due, and no more', () => {
    expect(blownBy(starts(2, true), true)).toBeNull()
    expect(blownBy(starts(3, true), true)).toMatch(/the wall clock runs wild/)
    expect(blownBy(starts(3, true), false)).toBeNull()
    expect(blownBy(starts(59, false), true)).toBeNull()
    expect(blownBy(starts(60, false), false)).toMatch(/60 starts of this schedule within a minute/)
  })

  it('forgets what is a minute ago by the monotonic clock', () => {
    const recent: RecentStart[] = [0, 1, 30_000].map((atUptimeMs) => ({ atUptimeMs, onTime: true }))
    expect(within(recent, 59_999)).toHaveLength(3)
    expect(within(recent, 60_000)).toHaveLength(2)
    expect(within(recent, 90_000)).toHaveLength(0)
  })
})

type Step = { passMs: number; stepMs: number; confirmed: boolean }
type Started = { dueAt: number; atUptimeMs: number; onTime: boolean }

/** A schedule under a clock guard, as the brain runs it: a look each second and after each step of the clock. */
function run(
  catchUp: ScheduleFacts['catchUp'],
  steps: readonly Step[],
  caps = firingCaps,
  lookMs = 10_000,
) {
  const parsed = parseExpression('* * * * *', 'UTC', { owner: 'o', name: 'n' })
  if (!parsed.ok) throw new Error(parsed.problem)
  let uptimeMs = 1_000_000
  let wallMs = noon
  let guard = startClock({ wallMs, monotonicMs: uptimeMs })
  const started: Started[] = []
  const fuses: string[] = []
  let facts: ScheduleFacts = {
    owner: 'o',
    name: 'n',
    expression: parsed.value,
    overlap: 'allow',
    catchUp,
    jitterMs: 0,
    paused: null,
    cursorMs: wallMs,
    manualMs: null,
    firedAhead: [],
    liveJobs: [],
    queue: [],
    recentStarts: [],
    lastEntry: null,
  }
  const apply = (decision: FiringDecision): void => {
    for (const { dueAt, onTime } of decision.starts)
      started.push({ dueAt, atUptimeMs: uptimeMs, onTime })
    if (decision.fuse !== null) fuses.push(decision.fuse)
    const { cursorMs, firedAhead, queue } = decision
    const lastEntry = decision.entries.at(-1) ?? decision.grown ?? facts.lastEntry
    facts = { ...facts, cursorMs, firedAhead, queue, lastEntry }
  }
  const look = (): void => {
    guard = watchClock(guard, { wallMs, monotonicMs: uptimeMs }).state
    if (guard.hold !== null) return
    if (facts.cursorMs - wallMs > caps.rewindMs) {
      // as the brain reads it from the ledger: what started, and what waits in the queue
      const ahead = [...started, ...facts.queue].map(({ dueAt }) => dueAt)
      const firedAhead = ahead.filter((dueAt) => dueAt > wallMs).toSorted((a, b) => a - b)
      facts = { ...facts, firedAhead }
    }
    const recentStarts = within(started, uptimeMs)
    apply(decide({ ...facts, recentStarts }, wallMs, caps))
  }
  for (const { passMs, stepMs, confirmed } of steps) {
    for (let left = passMs; left > 0; left -= lookMs) {
      uptimeMs += Math.min(left, lookMs)
      wallMs += Math.min(left, lookMs)
      look()
    }
    wallMs += stepMs
    look()
    if (confirmed) guard = startClock({ wallMs, monotonicMs: uptimeMs })
    look()
  }
  return { started, fuses }
}

function mostWithinAMinute(started: readonly Started[]): number {
  const counts = started.map(
    ({ atUptimeMs: end }) =>
      started.filter(({ atUptimeMs }) => atUptimeMs > end - minuteMs && atUptimeMs <= end).length,
  )
  return Math.max(0, ...counts)
}

const step: fc.Arbitrary<Step> = fc.record({
  passMs: fc.oneof(fc.constantFrom(0, 1_000, 30_000, 60_000), fc.integer({ min: 0, max: 300_000 })),
  stepMs: fc.oneof(
    fc.constantFrom(0, 59_000, 60_000, 299_000, -299_000, 3_600_000, -3_600_000, 86_400_000),
    fc.integer({ min: -400_000, max: 400_000 }),
  ),
  confirmed: fc.boolean(),
})

/** A day is caught up, partly waits for the fuse, and comes again when the clock goes back. */
const queuedAhead: Step[] = [
  { passMs: 0, stepMs: 86_400_000, confirmed: true },
  { passMs: 0, stepMs: -300_001, confirmed: true },
  { passMs: 29_000, stepMs: 91_002, confirmed: false },
  { passMs: 1_000, stepMs: 0, confirmed: false },
  { passMs: 30_000, stepMs: 0, confirmed: false },
]

it('holds under any clock: each due time once, and three in a minute at most that are on time', () => {
  const runs = 150 * Number(process.env['CRON_TEST_RUNS'] ?? 1)
  fc.assert(
    fc.property(
      fc.constantFrom(...catchUpPolicies),
      fc.array(step, { minLength: 1, maxLength: 25 }),
      (catchUp, steps) => {
        const { started } = run(catchUp, steps)
        const dues = started.map(({ dueAt }) => dueAt)
        expect(new Set(dues).size).toBe(dues.length)
        expect(mostWithinAMinute(started.filter(({ onTime }) => onTime))).toBeLessThanOrEqual(3)
        expect(mostWithinAMinute(started)).toBeLessThanOrEqual(60)
      },
    ),
    { numRuns: runs, examples: [['all', queuedAhead]] },
  )
})

it('is needed: a clock that is pushed forward again and again fires without it, and is told with it', () => {
  const pushed = Array.from({ length: 20 }, () => ({
    passMs: 1_000,
    stepMs: minuteMs - 1_000,
    confirmed: true,
  }))
  expect(mostWithinAMinute(run('none', pushed, generous).started)).toBe(20)
  const { started, fuses } = run('none', pushed)
  expect(mostWithinAMinute(started)).toBe(3)
  expect(fuses[0]).toMatch(/the wall clock runs wild/)
})

it('never blows under a clock that goes right, however late the scheduler looks', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 61_000 }), { maxLength: 200 }), (pauses) => {
      const steps = pauses.map((passMs) => ({ passMs, stepMs: 0, confirmed: false }))
      expect(run('last', steps, firingCaps, 61_000).fuses).toEqual([])
    }),
    { numRuns: 50 },
  )
})
