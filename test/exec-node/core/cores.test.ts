import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { newHistory, withReading } from '../../../exec-node/core/health.ts'
import { allowsStart, grantedBy, overdue, renewedByRefusal } from '../../../exec-node/core/lease.ts'
import {
  checkVerdict,
  newLiveness,
  silenceVerdict,
  withCheck,
} from '../../../exec-node/core/liveness.ts'
import { judgeLine, planOrder } from '../../../exec-node/core/reconcile.ts'
import { newRecord } from '../../../exec-node/core/record.ts'
import { afterRun, backoffMs } from '../../../exec-node/core/restart.ts'
import type { Verdict } from '../../../proto/node.ts'
import { order, spec } from '../grid.ts'

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('restart', () => {
  it('waits from 1 s to 5 min, never shorter after more failures', () => {
    fc.assert(
      fc.property(fc.nat(1000), random, (failures, chance) => {
        const ms = backoffMs(failures, chance)
        expect(ms).toBeGreaterThanOrEqual(1_000)
        expect(ms).toBeLessThanOrEqual(300_000)
        expect(backoffMs(failures + 1, chance)).toBeGreaterThanOrEqual(ms)
      }),
    )
  })

  const exit = (code: number) => ({ kind: 'exit', code }) as const
  const always = { lastedMs: 0, policy: 'always' } as const
  it.each([
    [
      'a crash counts',
      { ...always, cause: exit(1) },
      { kind: 'again', delayMs: 8_000, failures: 4 },
    ],
    ['success counts too', { ...always, cause: exit(0) }, { kind: 'again', failures: 4 }],
    [
      'on-failure ends with success',
      { ...always, policy: 'on-failure', cause: exit(0) },
      { kind: 'over' },
    ],
    [
      'on-failure goes on after failure',
      { ...always, policy: 'on-failure', cause: exit(1) },
      { kind: 'again' },
    ],
    [
      'ten minutes forgive',
      { ...always, lastedMs: 600_000, cause: exit(1) },
      { kind: 'again', delayMs: 1_000, failures: 0 },
    ],
    [
      'a wanted restart is no failure',
      { ...always, cause: { kind: 'restarted', by: '', why: '' } },
      { kind: 'again', delayMs: 0, failures: 0 },
    ],
    [
      'a lease over is over',
      { ...always, cause: { kind: 'lease-expired', node: 'n' } },
      { kind: 'over' },
    ],
  ] as const)('%s', (_, ended, expected) => {
    expect(afterRun(ended, 3, 0)).toMatchObject(expected)
  })
})

describe('lease', () => {
  const terms = { termMs: 240, killMs: 270, endMs: 300 }
  it('counts from the sending, and asks for more as time goes', () => {
    const lease = grantedBy(terms, 1000)
    expect([1239, 1240].map((at) => allowsStart(lease, at))).toEqual([true, false])
    expect(overdue(lease, 1239)).toBeNull()
    expect(overdue(lease, 1240)).toEqual({ leftMs: 30, atMostMs: 30 })
    expect(overdue(lease, 1300)).toEqual({ leftMs: 0, atMostMs: 0 })
  })
  it('is renewed by a refusal only before its term', () => {
    const lease = grantedBy(terms, 1000)
    expect(renewedByRefusal(lease, 1239)).toMatchObject({ termAtUptimeMs: 1479 })
    expect(renewedByRefusal(lease, 1240)).toBe(lease)
    expect(renewedByRefusal({ kind: 'none' }, 5)).toEqual({ kind: 'none' })
  })
})

describe('reconcile', () => {
  const line = (incarnation: number, counter: number, base: number | null = null) => {
    const list = { grid: 'g', revision: { incarnation, counter }, orders: [] }
    if (base === null) return { kind: 'full' as const, ...list }
    return { kind: 'diff' as const, ...list, base }
  }
  const known = { grid: 'g', revision: { incarnation: 2, counter: 5 } }
  it.each([
    ['the same list again', line(2, 5), 'take'],
    ['a newer list', line(2, 9), 'take'],
    ['an older list', line(2, 4), 'ignore'],
    ['an older database', line(1, 99), 'ignore'],
    ['a newer database', line(3, 1), 'take'],
    ['the next difference', line(2, 6, 5), 'take'],
    ['a difference again', line(2, 5, 4), 'ignore'],
    ['a difference after a gap', line(2, 8, 7), 'gap'],
    ['a difference of a newer database', line(3, 6, 5), 'gap'],
  ])('%s', (_, given, kind) => {
    expect(judgeLine(known, given).kind).toBe(kind)
    expect(judgeLine({ ...known, grid: 'other' }, given).kind).toBe('other-grid')
  })

  it('never takes an epoch below one that it knows, and calls all below the new one stale', () => {
    const epochs = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 })
    fc.assert(
      fc.property(epochs, epochs, fc.integer({ min: 1, max: 9 }), (here, strangers, epoch) => {
        const records = [...new Set(here)].map((one) => newRecord(order(1, { epoch: one })))
        const plan = planOrder(order(1, { epoch }), { records, strangers, overEpoch: null })
        const highest = Math.max(0, ...here, ...strangers)
        expect(plan.kind === 'ignore').toBe(epoch < highest)
        if (plan.kind === 'ignore') return
        const below = [...here, ...strangers].filter((one) => one < epoch)
        expect(new Set(plan.stale)).toEqual(new Set(below))
      }),
    )
  })
})

describe('health', () => {
  const after = (readings: readonly Verdict[]) =>
    readings.reduce(
      (history, verdict, at) => withReading(history, { verdict, value: '' }, at),
      newHistory(0),
    ).verdict
  const times = (count: number, verdict: Verdict): Verdict[] => Array(count).fill(verdict)
  it.each([
    ['one good reading is health', times(1, 'ok'), 'ok'],
    ['two bad ones are not enough', [...times(1, 'ok'), ...times(2, 'failing')], 'ok'],
    ['three are', times(3, 'failing'), 'failing'],
    ['three critical ones are critical', times(3, 'critical'), 'critical'],
    ['mixed ones are failing', ['critical', 'failing', 'critical'], 'failing'],
    ['four good ones do not recover', [...times(3, 'failing'), ...times(4, 'ok')], 'failing'],
    ['five do', [...times(3, 'failing'), ...times(5, 'ok')], 'ok'],
    [
      'critical recovers to failing first',
      [...times(3, 'critical'), ...times(5, 'failing')],
      'failing',
    ],
    ['not knowing is no recovery', [...times(3, 'critical'), ...times(9, 'unknown')], 'critical'],
    ['not knowing never cordons', times(9, 'unknown'), 'unknown'],
  ] as const)('%s', (_, readings, verdict) => {
    expect(after(readings)).toBe(verdict)
  })
})

describe('liveness', () => {
  const probe = { kind: 'command', argv: ['/check'] } as const
  const checked = {
    ...spec,
    check: {
      probe: { ...probe, argv: ['/check'] },
      intervalMs: 1000,
      timeoutMs: 100,
      threshold: 3,
    },
  }
  it('needs the failures in a row', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (results) => {
        let liveness = newLiveness(1)
        for (const ok of results) liveness = withCheck(liveness, { ok, detail: '' })
        const unhealthy = results.length >= 3 && results.slice(-3).every((ok) => !ok)
        expect(checkVerdict(checked, liveness) !== null).toBe(unhealthy)
      }),
    )
  })
  it('judges silence from the last output, or the start', () => {
    const silent = { ...spec, silenceMs: 100 }
    const run = { number: 1, startedAt: 1000, lastOutputAt: null }
    expect(silenceVerdict(silent, run, 1099)).toBeNull()
    expect(silenceVerdict(silent, run, 1100)).toMatchObject({ check: 'silence' })
    expect(silenceVerdict(silent, { ...run, lastOutputAt: 1050 }, 1100)).toBeNull()
  })
})
