/** The breaker: what closes a node, what never does, and how a canary opens it again. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Cause } from '../../../proto/cause.ts'
import {
  defaultBreaker,
  judge,
  noHistory,
  withCanary,
  withEnd,
  withStart,
  type BreakerHistory,
  type RunEnd,
} from '../../../scheduler/core/breaker.ts'

const end = (owner: string, at: number, parts: Partial<RunEnd> = {}): RunEnd => ({
  task: `${at}.1`,
  owner,
  at,
  ranMs: 100,
  cause: { kind: 'exit', code: 1 },
  repeated: false,
  ...parts,
})
const after = (...ends: RunEnd[]): BreakerHistory =>
  ends.reduce((history, one) => withEnd(history, one), noHistory)
const noCommand: Cause = { kind: 'could-not-start', call: 'execve', error: 'ENOENT', detail: '/x' }

describe('what closes a node', () => {
  test('fast failures of several owners at once, with the evidence as reason', () => {
    const history = after(
      end('ann', 1000, { ranMs: null, cause: noCommand }),
      end('bob', 3000),
      end('cat', 5000, { cause: { kind: 'signal', signal: 'SIGBUS' } }),
    )
    const verdict = judge(history, 6000)
    expect(verdict.state).toBe('paused')
    expect(verdict.reason).toBe(
      'quarantined: 3 runs of 3 owners failed within 4 s (execve: ENOENT, exit 1, SIGBUS)',
    )
    expect(verdict.wakeAt).toBe(5000 + defaultBreaker.firstPauseMs)
  })

  const cases: [string, RunEnd[]][] = [
    ['one owner, however often', Array.from({ length: 50 }, (_, i) => end('ann', i))],
    ['two owners', [end('ann', 1), end('bob', 2)]],
    ['slow failures', ['a', 'b', 'c'].map((owner, i) => end(owner, i, { ranMs: 60_000 }))],
    [
      'crash loops that went on before',
      ['a', 'b', 'c'].map((o, i) => end(o, i, { repeated: true })),
    ],
    ['long ago', [end('a', 0), end('b', 100_000), end('c', 200_000)]],
    [
      'cancelled by their owners',
      ['a', 'b', 'c'].map((o, i) => end(o, i, { cause: { kind: 'cancelled', by: o, why: '' } })),
    ],
    [
      'where as many owners do well',
      ['a', 'b', 'c', 'd', 'e', 'f'].map((owner, i) =>
        end(owner, i, { cause: { kind: 'exit', code: i < 3 ? 1 : 0 } }),
      ),
    ],
  ]
  test.each(cases)('not %s', (_, ends) => {
    expect(judge(after(...ends), ends.at(-1)?.at ?? 0).state).toBe('open')
  })

  test('one owner alone never closes a node', () => {
    const arbitraryEnd = fc.record({
      at: fc.nat(300_000),
      ranMs: fc.option(fc.nat(20_000)),
      repeated: fc.boolean(),
      cause: fc.constantFrom<Cause>(
        noCommand,
        { kind: 'exit', code: 1 },
        { kind: 'exit', code: 0 },
      ),
    })
    fc.assert(
      fc.property(fc.array(arbitraryEnd), fc.nat(300_000), (ends, now) => {
        const sorted = ends.toSorted((a, b) => a.at - b.at)
        const history = after(...sorted.map((one) => end('ann', one.at, one)))
        expect(judge(history, now).state).toBe('open')
      }),
    )
  })
})

describe('the canary', () => {
  const closed = judge(after(end('a', 0), end('b', 0), end('c', 0)), 0).history
  const tryAt = defaultBreaker.firstPauseMs
  const trying = withCanary(judge(closed, tryAt).history, '9.1', tryAt)

  test('one task after the pause, and only one; the quarantine outlives its window', () => {
    expect(judge(closed, tryAt - 1).state).toBe('paused')
    expect(judge(closed, tryAt).state).toBe('canary')
    expect(judge(closed, tryAt + 10 * defaultBreaker.windowMs).state).toBe('canary')
    expect(judge(trying, tryAt + 1).state).toBe('trying')
    expect(judge(trying, tryAt + 1).reason).toContain('9.1 is being tried there')
  })

  test('a good end opens the node, and so does a run that lives on', () => {
    const good = end('a', tryAt + 50, { task: '9.1', cause: { kind: 'exit', code: 0 } })
    expect(judge(withEnd(trying, good), tryAt + 50).state).toBe('open')
    const started = withStart(trying, '9.1', tryAt + 5)
    expect(judge(started, tryAt + 6)).toMatchObject({ state: 'trying', wakeAt: tryAt + 10_005 })
    expect(judge(started, tryAt + 10_005)).toMatchObject({ state: 'open', history: noHistory })
  })

  test('a failure makes the pause longer each time, up to a bound', () => {
    let history = trying
    let now = tryAt
    const pauses: number[] = []
    for (let i = 0; i < 10; i++) {
      history = withEnd(history, end('a', now, { task: '9.1' }))
      const verdict = judge(history, now)
      expect(verdict.state).toBe('paused')
      expect(verdict.reason).toContain('3 runs of 3 owners failed within 1 s (exit 1); canary 9.1')
      pauses.push((verdict.wakeAt ?? 0) - now)
      now = verdict.wakeAt ?? 0
      expect(judge(history, now).state).toBe('canary')
      history = withCanary(judge(history, now).history, '9.1', now)
    }
    expect(pauses.slice(0, 3)).toEqual([120_000, 240_000, 480_000])
    expect(pauses.at(-1)).toBe(defaultBreaker.longestPauseMs)
  })

  test('a canary that is cancelled or never starts gives way to another', () => {
    const cause: Cause = { kind: 'cancelled', by: 'a', why: '' }
    const cancelled = withEnd(trying, end('a', tryAt + 1, { task: '9.1', cause }))
    expect(judge(cancelled, tryAt + 1).state).toBe('canary')
    expect(judge(trying, tryAt + defaultBreaker.canaryPatienceMs).state).toBe('canary')
  })
})
