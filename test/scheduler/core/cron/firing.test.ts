import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { catchUpPolicies, overlapPolicies } from '../../../../proto/schedule.ts'
import { parseExpression } from '../../../../scheduler/core/cron/expression.ts'
import {
  decide,
  firingCaps,
  manualRun,
  onJobEnded,
  type FiringDecision,
  type ScheduleFacts,
} from '../../../../scheduler/core/cron/firing.ts'
import { within, type RecentStart } from '../../../../scheduler/core/cron/fuse.ts'
import type { LedgerEntry } from '../../../../scheduler/core/cron/ledger.ts'
import { dueBetween, nextDue } from '../../../../scheduler/core/cron/next-due.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const noon = Date.UTC(2026, 10, 23, 12)

function facts(changes: Partial<ScheduleFacts> = {}, text = '0 * * * *'): ScheduleFacts {
  const parsed = parseExpression(text, 'Europe/Berlin', { owner: 'tools.bot', name: 'nightly' })
  if (!parsed.ok) throw new Error(parsed.problem)
  return {
    owner: 'tools.bot',
    name: 'nightly',
    expression: parsed.value,
    overlap: 'forbid',
    catchUp: 'none',
    jitterMs: 0,
    paused: null,
    cursorMs: noon - hourMs,
    manualMs: null,
    firedAhead: [],
    liveJobs: [],
    queue: [],
    recentStarts: [],
    lastEntry: null,
    ...changes,
  }
}

const hours = (at: number): string => `${(at - noon) / hourMs}`
const brief = (decision: FiringDecision): string[] =>
  decision.entries.map((entry) => {
    const until = entry.until === null ? '' : `..${hours(entry.until)} x${entry.count}`
    return `${hours(entry.dueAt)}${until} ${entry.outcome}`
  })

describe('one due time', () => {
  it('runs on time, up to a minute late, and moves the cursor', () => {
    for (const late of [0, 300, minuteMs]) {
      const decision = decide(facts(), noon + late)
      expect(brief(decision)).toEqual(['0 ran'])
      expect(decision.starts).toEqual([
        { dueAt: noon, runAt: noon + late, manual: false, fromQueue: false, onTime: true },
      ])
      expect(decision.cursorMs).toBe(noon)
      expect(decide(facts({ cursorMs: noon }), noon + late).entries).toEqual([])
    }
    expect(decide(facts(), noon - 1)).toMatchObject({ entries: [], cursorMs: noon - hourMs })
    expect(brief(decide(facts(), noon + minuteMs + 1))).toEqual(['0 missed'])
  })

  it('passes the overlap gate', () => {
    const busy = { liveJobs: [17] }
    const forbid = decide(facts({ ...busy }), noon)
    expect(forbid.entries).toMatchObject([
      { outcome: 'skipped', why: 'overlap is forbidden, and job 17 is live' },
    ])
    const allow = decide(facts({ ...busy, overlap: 'allow' }), noon)
    expect(allow.starts).toHaveLength(1)
    const queued = decide(facts({ ...busy, overlap: 'queue' }), noon)
    expect(queued.entries).toMatchObject([{ outcome: 'queued', why: 'job 17 is live' }])
    const further = decide(
      facts({ ...busy, overlap: 'queue', queue: queued.queue, cursorMs: noon }),
      noon + hourMs,
    )
    expect(further.entries).toMatchObject([
      {
        outcome: 'skipped',
        why: 'the firing of 2026-11-23T12:00:00.000Z already waits, and job 17 is live',
      },
    ])
    const ended = onJobEnded(
      facts({ overlap: 'queue', queue: queued.queue, cursorMs: noon }),
      noon + 90_000,
    )
    expect(ended.starts).toEqual([
      { dueAt: noon, runAt: noon + 90_000, manual: false, fromQueue: true, onTime: false },
    ])
    expect(ended).toMatchObject({ queue: [], entries: [], cursorMs: noon })
  })

  it('replaces: stops what is live, starts when that has ended, and only once', () => {
    const first = decide(facts({ liveJobs: [17, 18], overlap: 'replace' }), noon)
    expect(first).toMatchObject({
      stop: [17, 18],
      starts: [],
      queue: [{ dueAt: noon, replaces: true }],
    })
    expect(first.entries[0]!.why).toBe('replaces: jobs 17, 18 are live, told to stop')
    const stopping = facts({
      liveJobs: [18],
      overlap: 'replace',
      queue: first.queue,
      cursorMs: noon,
    })
    expect(onJobEnded(stopping, noon + 1).starts).toEqual([])
    expect(decide(stopping, noon + hourMs)).toMatchObject({
      stop: [],
      entries: [{ outcome: 'skipped' }],
    })
    expect(onJobEnded({ ...stopping, liveJobs: [] }, noon + 2).starts).toMatchObject([
      { dueAt: noon },
    ])
  })

  it('is skipped while paused, in one growing entry; manual runs still pass', () => {
    const paused = facts({ paused: { by: 'alice', why: 'disk is full' } })
    const first = decide(paused, noon)
    expect(first.entries).toMatchObject([
      { outcome: 'skipped', why: 'paused by alice: disk is full' },
    ])
    expect(decide(facts({ paused: { by: 'alice', why: '' } }), noon).entries).toMatchObject([
      { outcome: 'skipped', why: 'paused by alice' },
    ])
    const later = { ...paused, cursorMs: noon, lastEntry: first.entries[0]! }
    const second = decide(later, noon + hourMs * 2)
    expect(second.entries).toEqual([])
    expect(second.grown).toMatchObject({ dueAt: noon, until: noon + 2 * hourMs, count: 3 })
    expect(manualRun(later, noon + 1).outcome).toBe('ran')
  })

  it('is delayed by a jitter that stays the same for the same due time', () => {
    const jittery = facts({ jitterMs: 30_000 })
    const { runAt } = decide(jittery, noon).starts[0]!
    expect(runAt).toBeGreaterThan(noon)
    expect(runAt).toBeLessThanOrEqual(noon + 30_000)
    expect(decide(jittery, noon + 1).starts[0]!.runAt).toBe(runAt)
    const others = new Set(
      Array.from(
        { length: 50 },
        (_, index) => decide({ ...jittery, name: `s${index}` }, noon).starts[0]!.runAt,
      ),
    )
    expect(others.size).toBeGreaterThan(45)
  })
})

describe('catch-up after an outage', () => {
  const back = noon + 5.5 * hourMs
  it('none: one entry says what was missed', () => {
    expect(brief(decide(facts(), back))).toEqual(['0..5 x6 missed'])
    expect(brief(decide(facts(), noon + 5 * hourMs))).toEqual(['0..4 x5 missed', '5 ran'])
  })

  it('last: the newest missed one runs', () => {
    const decision = decide(facts({ catchUp: 'last' }), back)
    expect(brief(decision)).toEqual(['0..4 x5 missed', '5 ran'])
    expect(decision.starts[0]!.dueAt).toBe(noon + 5 * hourMs)
    expect(brief(decide(facts({ catchUp: 'last', liveJobs: [17] }), back))).toEqual([
      '0..4 x5 missed',
      '5 skipped',
    ])
  })

  it('last: one that is on time is the newest, and what was missed does not stand in its way', () => {
    for (const overlap of ['forbid', 'queue', 'replace', 'allow'] as const) {
      const decision = decide(facts({ catchUp: 'last', overlap }), noon + 5 * hourMs)
      expect(brief(decision)).toEqual(['0..4 x5 missed', '5 ran'])
      expect(decision.starts.map(({ dueAt }) => dueAt)).toEqual([noon + 5 * hourMs])
    }
  })

  it('all: each runs, one after another', () => {
    let now = facts({ catchUp: 'all' })
    const decision = decide(now, back)
    expect(brief(decision)).toEqual([
      '0 ran',
      '1 queued',
      '2 queued',
      '3 queued',
      '4 queued',
      '5 queued',
    ])
    now = { ...now, queue: decision.queue, cursorMs: decision.cursorMs }
    const order: number[] = []
    while (now.queue.length > 0) {
      const ended = onJobEnded(now, back)
      order.push(...ended.starts.map((start) => (start.dueAt - noon) / hourMs))
      now = { ...now, queue: ended.queue }
    }
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  it('all: a year of minutes is capped, in one quick decision', () => {
    const now = facts(
      { catchUp: 'all', overlap: 'allow', cursorMs: noon - 365 * 24 * hourMs },
      '* * * * *',
    )
    const decision = decide(now, noon + 2 * minuteMs)
    expect(decision.entries[0]).toMatchObject({ outcome: 'missed', count: 365 * 1440 - 100 })
    expect(decision.entries[0]!.why).toContain('the newest 100 of 525600')
    expect(decision.starts).toHaveLength(firingCaps.fuse.startsMax)
    expect(decision.queue).toHaveLength(40)
    expect(decision.entries.at(-1)).toMatchObject({ outcome: 'skipped', count: 2 })
  })
})

describe('a clock that was ahead', () => {
  const ahead = facts({ cursorMs: noon + 5 * hourMs, firedAhead: [noon + 2 * hourMs] })
  it('is followed back, and nothing fires twice', () => {
    const decision = decide(ahead, noon + 1)
    // Not the due time itself: that may have an entry which says that it ran.
    expect(decision.entries).toMatchObject([{ outcome: 'skipped', dueAt: noon + 5 * hourMs + 1 }])
    expect(decision.entries[0]!.why).toContain('the clock went back')
    expect(decision.cursorMs).toBe(noon + 1)
    const after = { ...ahead, cursorMs: decision.cursorMs, firedAhead: decision.firedAhead }
    expect(brief(decide(after, noon + hourMs))).toEqual(['1 ran'])
    const fired = decide({ ...after, cursorMs: noon + hourMs }, noon + 2 * hourMs)
    expect(fired).toMatchObject({
      entries: [],
      starts: [],
      cursorMs: noon + 2 * hourMs,
      firedAhead: [],
    })
    expect(brief(decide(after, noon + 3 * hourMs))).toEqual(['1 missed', '3 ran'])
  })

  it('by little is waited for', () => {
    const decision = decide(facts({ cursorMs: noon }), noon - minuteMs)
    expect(decision).toMatchObject({ entries: [], starts: [], cursorMs: noon })
  })
})

describe('manual runs', () => {
  it('say what became of them and leave the cursor alone', () => {
    const now = facts({ liveJobs: [17] })
    expect(manualRun(now, noon + 5)).toMatchObject({ outcome: 'skipped', cursorMs: now.cursorMs })
    expect(manualRun({ ...now, overlap: 'queue' }, noon + 5)).toMatchObject({
      outcome: 'queued',
      why: 'job 17 is live',
    })
    expect(manualRun({ ...now, overlap: 'replace' }, noon + 5)).toMatchObject({
      outcome: 'queued',
      stop: [17],
    })
    expect(manualRun({ ...now, overlap: 'allow' }, noon + 5)).toMatchObject({ outcome: 'ran' })
    const many = Array.from({ length: 60 }, () => ({ onTime: false }))
    expect(manualRun({ ...now, overlap: 'allow', recentStarts: many }, noon + 5)).toMatchObject({
      outcome: 'skipped',
    })
    const ran = manualRun(facts(), noon + 5)
    expect(ran.entries).toMatchObject([{ manual: true, dueAt: noon + 5, why: 'asked for by hand' }])
  })

  it.each([
    ['in the same millisecond', 5, 6],
    ['after others of that millisecond', 7, 8],
    ['long after a clock that was ahead', 3_600_000, 5],
  ])('has a time of its own %s', (_, before, after) => {
    const ran = manualRun(facts({ manualMs: noon + before }), noon + 5)
    expect(ran.entries).toMatchObject([{ manual: true, dueAt: noon + after }])
  })
})

type Move = { kind: 'wait' | 'end' | 'manual' | 'pause' | 'resume'; byMs: number }

/** Plays a schedule as the brain would: facts in, decision applied, ledger kept. */
function play(start: ScheduleFacts, moves: readonly Move[]) {
  let now = start.cursorMs
  let state = start
  let jobs = 0
  let startTimes: RecentStart[] = []
  const ledger: LedgerEntry[] = []
  const apply = (decision: FiringDecision): void => {
    expect(decision.cursorMs).toBeGreaterThanOrEqual(state.cursorMs)
    expect(decision.cursorMs).toBeLessThanOrEqual(Math.max(now, state.cursorMs))
    if (decision.grown !== null) {
      const place = ledger.findIndex((entry) => entry === state.lastEntry)
      ledger[place] = decision.grown
    }
    ledger.push(...decision.entries)
    const liveBefore = state.liveJobs.length
    const liveJobs = [...state.liveJobs, ...decision.starts.map(() => ++jobs)]
    const mayOverlap = state.overlap === 'allow' || decision.starts.length === 0
    expect(mayOverlap || (liveBefore === 0 && liveJobs.length === 1)).toBe(true)
    for (const each of decision.starts) {
      const outcome = each.fromQueue ? 'queued' : 'ran'
      const entry = ledger.find(
        (row) => row.dueAt === each.dueAt && row.outcome === outcome && row.manual === each.manual,
      )
      expect(entry).toBeDefined()
      entry!.outcome = 'ran'
      startTimes.push({ atUptimeMs: now, onTime: each.onTime })
    }
    startTimes = [...within(startTimes, now)]
    expect(startTimes.length).toBeLessThanOrEqual(firingCaps.fuse.startsMax)
    const lastEntry = ledger.findLast((entry) => !entry.manual) ?? null
    const nextMs = nextDue(state.expression, decision.cursorMs)
    expect(decision.nextMs === undefined ? nextMs : decision.nextMs).toBe(nextMs)
    state = { ...state, ...decision, nextMs, liveJobs, lastEntry, recentStarts: startTimes }
  }
  for (const { kind, byMs } of moves) {
    now += byMs
    state = { ...state, recentStarts: within(startTimes, now) }
    apply(decide(state, now))
    if (kind === 'manual') apply(manualRun(state, now))
    if (kind === 'pause') state = { ...state, paused: { by: 'alice', why: 'asked' } }
    if (kind === 'resume') state = { ...state, paused: null }
    if (kind === 'end' && state.liveJobs.length > 0) {
      state = { ...state, liveJobs: state.liveJobs.slice(1) }
      apply(onJobEnded(state, now))
    }
  }
  return { ledger, state, now }
}

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom('wait', 'wait', 'end', 'end', 'manual', 'pause', 'resume'),
  byMs: fc.oneof(
    fc.integer({ min: 0, max: 3 * minuteMs }),
    fc.constantFrom(1, minuteMs, 5 * minuteMs, hourMs, 30 * hourMs),
  ),
})

it('covers every due time exactly once, whatever happens', () => {
  const setting = fc.record({
    overlap: fc.constantFrom(...overlapPolicies),
    catchUp: fc.constantFrom(...catchUpPolicies),
    jitterMs: fc.constantFrom(0, 5000),
    cursorMs: fc.constantFrom(noon, Date.UTC(2026, 9, 24, 22), Date.UTC(2026, 2, 28, 22)),
  })
  const text = fc.constantFrom('* * * * *', '*/7 * * * *', '30 * * * *', '0,30 2 * * *')
  fc.assert(
    fc.property(setting, text, fc.array(move, { maxLength: 40 }), (settings, expression, moves) => {
      const start = facts(settings, expression)
      const { ledger, state, now } = play(start, moves)
      const covered = ledger
        .filter((entry) => !entry.manual)
        .flatMap((entry) => {
          const inside = dueBetween(
            start.expression,
            entry.dueAt - 1,
            entry.until ?? entry.dueAt,
            1e6,
          ).due
          expect(inside).toHaveLength(entry.count)
          return inside
        })
      expect(covered).toEqual(dueBetween(start.expression, start.cursorMs, now, 1e6).due)
      const waiting = ledger
        .filter((entry) => entry.outcome === 'queued')
        .map((entry) => entry.dueAt)
      expect(new Set(waiting)).toEqual(new Set(state.queue.map((each) => each.dueAt)))
      expect(waiting).toHaveLength(state.queue.length)
      expect(state.queue.length).toBeLessThanOrEqual(firingCaps.catchUpMax + 1)
    }),
    { numRuns: Number(process.env['CRON_TEST_RUNS'] ?? 1) * 200 },
  )
})
