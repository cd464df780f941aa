/**
 * What becomes of a schedule's due times. `decide` covers every due time in (cursor, now] exactly once:
 *
 * - Up to `graceMs` late is on time and goes through the overlap gate; older is missed, unless
 *   catch-up takes it: `last` the newest missed one where none is on time, `all` the newest `catchUpMax` of them.
 * - Firings of `catch-up all` never skip each other: they wait in the queue and run one after another
 *   (with overlap `allow`: as fast as the fuse lets them). Other firings find that queue occupied.
 * - Paused: all due times are skipped and the queue rests; manual runs still pass.
 * - Neighbouring skipped or missed due times with the same reason share an entry, also across decisions.
 * - The cursor is the newest covered due time. It only rises, but for `rewind` (see there).
 *
 * Call it before pausing, resuming or editing a schedule too, so that the old facts judge the old due times.
 */
import type { JobId, Millis } from '../../../proto/ids.ts'
import type { CatchUp, FiringOutcome, Overlap } from '../../../proto/schedule.ts'
import type { CronExpression } from './expression.ts'
import { fuseCaps, type FuseCaps, type RecentStart } from './fuse.ts'
import { Ledger, type LedgerEntry } from './ledger.ts'
import { missedWindows, countWindows, type Window } from './missed.ts'
import { dueBetween, newestDue, nextDue } from './next-due.ts'
import { Gate } from './overlap-gate.ts'

/** A firing whose ledger entry says `queued`. `replaces`: the live jobs were told to stop for it. */
export type Waiting = { dueAt: Millis; manual: boolean; catchUp: boolean; replaces: boolean }

export type ScheduleFacts = {
  owner: string
  name: string
  expression: CronExpression
  overlap: Overlap
  catchUp: CatchUp
  jitterMs: number
  paused: { by: string; why: string } | null
  /** Newest covered due time; for a new schedule, when it was made. */
  cursorMs: Millis
  /** Of the newest manual run; null where none is known. */
  manualMs: Millis | null
  /** The first due time after the cursor, where it is known. */
  nextMs?: Millis | null
  /** Due times after the cursor that fired already, before a rewind; sorted. */
  firedAhead: readonly Millis[]
  /** Jobs of this schedule that have not finished, also those that wait or hold. */
  liveJobs: readonly JobId[]
  queue: readonly Waiting[]
  /** Starts within the last minute of the monotonic clock, for the fuse. */
  recentStarts: readonly Pick<RecentStart, 'onTime'>[]
  /** The newest entry that covers due times (not a manual one), which a neighbour may share. */
  lastEntry: LedgerEntry | null
}

export type FiringCaps = {
  graceMs: number
  catchUpMax: number
  fuse: FuseCaps
  rewindMs: number
}
export const firingCaps: FiringCaps = {
  graceMs: 60_000,
  catchUpMax: 100,
  fuse: fuseCaps,
  rewindMs: 300_000,
}

/** A job to submit. `fromQueue`: its ledger entry exists as `queued` and becomes `ran`. */
export type Start = {
  dueAt: Millis
  runAt: Millis
  manual: boolean
  fromQueue: boolean
  /** What the fuse counts apart. */
  onTime: boolean
}

export type FiringDecision = {
  cursorMs: Millis
  /** The first due time after the cursor, where it was found on the way. */
  nextMs?: Millis | null | undefined
  firedAhead: readonly Millis[]
  /** `facts.lastEntry` as it has grown (same `dueAt`), or null when it stays. */
  grown: LedgerEntry | null
  /** New entries, oldest first. The job number of one that `ran` is that of the start with its `dueAt`. */
  entries: readonly LedgerEntry[]
  starts: readonly Start[]
  /** Live jobs to stop (overlap `replace`); the firing waits in the queue until they have ended. */
  stop: readonly JobId[]
  queue: readonly Waiting[]
  /** Why the fuse kept starts back; null where it did not. */
  fuse: string | null
}

export function decide(facts: ScheduleFacts, nowMs: Millis, caps = firingCaps): FiringDecision {
  if (facts.cursorMs - nowMs > caps.rewindMs) return rewind(facts, nowMs)
  const ledger = new Ledger(facts.lastEntry, facts.firedAhead, nowMs)
  const gate = new Gate(facts, nowMs, caps, ledger)
  gate.drain()
  const due = dueTimes(facts, nowMs, caps)
  const { late, onTime } = due
  if (facts.paused === null) {
    if (late.length > 0) coverMissed(facts, caps, due, gate, ledger)
    for (const dueAt of onTime) gate.admit({ dueAt, manual: false, catchUp: false })
  } else {
    const { by, why: reason } = facts.paused
    const why = reason === '' ? `paused by ${by}` : `paused by ${by}: ${reason}`
    for (const window of late) ledger.cover(facts.expression, window, 'skipped', why)
    for (const dueAt of onTime) ledger.add(dueAt, 'skipped', why)
  }
  return close(facts, due, gate, ledger)
}

type DueTimes = {
  late: readonly Window[]
  onTime: readonly Millis[]
  cursorMs: Millis
  nextMs?: Millis | null
}

function dueTimes(facts: ScheduleFacts, nowMs: Millis, caps: FiringCaps): DueTimes {
  const { expression, firedAhead } = facts
  // nearly always one is due, and on time; 50,000 schedules may be due in the same minute
  const only = onlyDue(facts, nowMs, caps)
  if (only !== null) return only
  const few = dueBetween(expression, facts.cursorMs, nowMs, 3)
  const first = few.due[0]
  if (first === undefined) return { late: [], onTime: [], cursorMs: facts.cursorMs }
  const lateMs = nowMs - caps.graceMs - 1
  const late = first <= lateMs ? missedWindows(facts.cursorMs, lateMs, firedAhead) : []
  const fromMs = Math.max(facts.cursorMs, lateMs)
  const due = few.more
    ? dueBetween(expression, fromMs, nowMs, Number.POSITIVE_INFINITY).due
    : few.due
  const onTime = due.filter((dueAt) => dueAt > lateMs && !firedAhead.includes(dueAt))
  const newest = few.more ? newestDue(expression, facts.cursorMs, nowMs, 1) : few.due
  return { late, onTime, cursorMs: newest.at(-1) ?? facts.cursorMs }
}

function onlyDue(facts: ScheduleFacts, nowMs: Millis, caps: FiringCaps): DueTimes | null {
  const { nextMs: dueAt, firedAhead } = facts
  if (dueAt === undefined || dueAt === null || dueAt > nowMs || dueAt < nowMs - caps.graceMs)
    return null
  const nextMs = nextDue(facts.expression, dueAt)
  if (nextMs !== null && nextMs <= nowMs) return null
  return {
    late: [],
    onTime: firedAhead.includes(dueAt) ? [] : [dueAt],
    cursorMs: dueAt,
    nextMs,
  }
}

/** A run that a person asked for: the same gate, and the schedule's cursor does not move. */
export function manualRun(
  facts: ScheduleFacts,
  nowMs: Millis,
  caps = firingCaps,
): FiringDecision & { outcome: FiringOutcome; why: string } {
  const ledger = new Ledger(null, [], nowMs)
  const gate = new Gate(facts, nowMs, caps, ledger)
  gate.admit({ dueAt: manualTime(facts, nowMs), manual: true, catchUp: false })
  const decision = close(facts, { cursorMs: facts.cursorMs }, gate, ledger)
  const { outcome, why } = decision.entries[0]!
  return { ...decision, outcome, why }
}

/** Many may be asked for in one millisecond, and each has an entry of its own; after a clock set back it is now again. */
function manualTime({ manualMs }: ScheduleFacts, nowMs: Millis): Millis {
  const isTaken = manualMs !== null && manualMs >= nowMs && manualMs < nowMs + 1_000
  return isTaken ? manualMs + 1 : nowMs
}

/** A job of the schedule has ended (it is no longer in `liveJobs`): what waited may start. */
export function onJobEnded(facts: ScheduleFacts, nowMs: Millis, caps = firingCaps): FiringDecision {
  const ledger = new Ledger(null, [], nowMs)
  const gate = new Gate(facts, nowMs, caps, ledger)
  gate.drain()
  return close(facts, { cursorMs: facts.cursorMs }, gate, ledger)
}

function coverMissed(
  facts: ScheduleFacts,
  caps: FiringCaps,
  { late, onTime }: DueTimes,
  gate: Gate,
  ledger: Ledger,
): void {
  const room = Math.max(0, caps.catchUpMax - facts.queue.length)
  const wanted = { none: 0, last: onTime.length > 0 ? 0 : 1, all: room }[facts.catchUp]
  const total = countWindows(facts.expression, late)
  const newest = late.flatMap((window) =>
    wanted === 0 ? [] : newestDue(facts.expression, window.afterMs, window.untilMs, wanted),
  )
  const taken = newest.slice(Math.max(0, newest.length - wanted))
  const why = {
    none: 'missed while nothing could fire; catch-up is none',
    last: 'missed while nothing could fire; catch-up runs only the newest',
    all: `missed while nothing could fire; catch-up runs the newest ${room} of ${total}, so that at most ${caps.catchUpMax} wait`,
  }[facts.catchUp]
  for (const { afterMs, untilMs } of late) {
    const firstTaken = taken.find((dueAt) => dueAt > afterMs && dueAt <= untilMs)
    const givenUp = { afterMs, untilMs: firstTaken === undefined ? untilMs : firstTaken - 1 }
    ledger.cover(facts.expression, givenUp, 'missed', why)
    for (const dueAt of taken) {
      if (dueAt > afterMs && dueAt <= untilMs) gate.admit({ dueAt, manual: false, catchUp: true })
    }
  }
}

/**
 * The clock was far ahead and has been set right: due times after now, covered under the wrong clock,
 * are open again. What fired (`firedAhead`, which the caller reads from the ledger) does not fire again.
 * A cursor that is ahead by less than `rewindMs` just waits for the clock.
 */
function rewind(facts: ScheduleFacts, nowMs: Millis): FiringDecision {
  const from = new Date(facts.cursorMs).toISOString()
  const entry: LedgerEntry = {
    // Beside the due time at the cursor, whose entry may say that it ran.
    dueAt: facts.cursorMs + 1,
    until: null,
    count: 1,
    outcome: 'skipped',
    manual: false,
    why: `the clock went back: covered up to ${from}, but it is ${new Date(nowMs).toISOString()}; later due times that did not fire are judged again`,
    at: nowMs,
  }
  return {
    cursorMs: nowMs,
    firedAhead: facts.firedAhead.filter((dueAt) => dueAt > nowMs),
    grown: null,
    entries: [entry],
    starts: [],
    stop: [],
    queue: facts.queue,
    fuse: null,
  }
}

function close(
  facts: ScheduleFacts,
  { cursorMs, nextMs }: Pick<DueTimes, 'cursorMs' | 'nextMs'>,
  gate: Gate,
  ledger: Ledger,
): FiringDecision {
  const ahead = facts.firedAhead
  const firedAhead = ahead.length === 0 ? ahead : ahead.filter((dueAt) => dueAt > cursorMs)
  const { grown, entries } = ledger.close()
  const { starts, stop, queue, fuse } = gate.close()
  // Field by field: with 50,000 decisions in a second a spread would be a twentieth of all the work.
  return { cursorMs, nextMs, firedAhead, grown, entries, starts, stop, queue, fuse }
}
