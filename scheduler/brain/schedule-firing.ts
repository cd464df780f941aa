/** Firing: a due time becomes a job or an entry that says why not, in the same commit as the schedule's cursor. */
import type { Refusal } from '../../proto/errors.ts'
import { iso } from '../../proto/ids.ts'
import type { FiringOutcome } from '../../proto/schedule.ts'
import {
  decide,
  firingCaps,
  manualRun,
  onJobEnded,
  type FiringDecision,
  type ScheduleFacts,
  type Start,
} from '../core/cron/firing.ts'
import { fuseCaps, within } from '../core/cron/fuse.ts'
import type { LedgerEntry } from '../core/cron/ledger.ts'
import { nextDue } from '../core/cron/next-due.ts'
import { withOne } from '../core/with-one.ts'
import type { LiveJob } from '../state/live-job.ts'
import { scheduleKey, type LiveSchedule } from '../state/live-schedule.ts'
import type { ScheduleProgress } from '../store/change.ts'
import { act } from './actions.ts'
import { note, type BrainContext } from './context.ts'
import { scheduleText } from './stored.ts'
import { newMoment, submit, type Moment } from './submit.ts'
import { requestOf, saveTemplate } from './template.ts'

/** What the firings of one tick share. */
export type Herd = Moment & { readonly uptimeMs: number }

export const newHerd = (ctx: BrainContext): Herd => ({
  ...newMoment(ctx),
  uptimeMs: ctx.clock.uptime(),
})

/** Covers every due time up to now. */
export function fireDue(ctx: BrainContext, schedule: LiveSchedule, herd = newHerd(ctx)): void {
  if (schedule.cursorAt > herd.at + firingCaps.rewindMs) void rewind(ctx, schedule)
  else coverDue(ctx, schedule, herd)
}

const coverDue = (ctx: BrainContext, schedule: LiveSchedule, herd: Herd) =>
  carryOut(ctx, schedule, decide(factsOf(schedule, herd), herd.at), herd)

/** The clock was set back: what has fired for times that come again must not fire twice. */
async function rewind(ctx: BrainContext, schedule: LiveSchedule): Promise<void> {
  if (schedule.rewinding) return
  schedule.rewinding = true
  try {
    await lookAhead(ctx, schedule)
  } catch (error) {
    // It is looked up again with the next look around; after a commit that failed the process ends anyway.
    const { owner, name } = schedule
    ctx.log.warn({ event: 'rewind-failed', owner, schedule: name, error: String(error) })
    return
  } finally {
    schedule.rewinding = false
  }
  if (ctx.state.schedules.get(scheduleKey(schedule.owner, schedule.name)) === schedule)
    coverDue(ctx, schedule, newHerd(ctx))
}

/** Notes which due times to come have fired already. */
async function lookAhead(ctx: BrainContext, schedule: LiveSchedule): Promise<void> {
  await ctx.journal.settled()
  schedule.firedAhead = await ctx.store.query('firedAfter', {
    owner: schedule.owner,
    schedule: schedule.name,
    after: ctx.clock.now(),
  })
}

export function fireManually(
  ctx: BrainContext,
  schedule: LiveSchedule,
  by: string,
): { outcome: FiringOutcome; why: string; jobId: number | null; dueAt: number } {
  const herd = newHerd(ctx)
  const decision = manualRun(factsOf(schedule, herd), herd.at)
  const dueAt = decision.entries[0]?.dueAt ?? herd.at
  schedule.manualAt = dueAt
  const start = startedAt(carryOut(ctx, schedule, decision, herd), dueAt)
  const refusal = start?.refusal
  const outcome = refusal ? 'skipped' : decision.outcome
  note(ctx, 'schedule-run', `run by hand: ${outcome}`, {
    schedule: schedule.name,
    owner: schedule.owner,
    by,
  })
  const why = refusal?.detail ?? decision.why
  return { outcome, why, jobId: start?.job ?? null, dueAt }
}

export function onScheduledJobEnded(ctx: BrainContext, job: LiveJob): void {
  const schedule = ctx.state.schedules.get(scheduleKey(job.owner, job.schedule ?? ''))
  if (!schedule?.liveJobs.includes(job.id)) return
  schedule.liveJobs = schedule.liveJobs.filter((id) => id !== job.id)
  if (schedule.queue.length > 0) startWaiting(ctx, schedule, newHerd(ctx))
}

const startWaiting = (ctx: BrainContext, schedule: LiveSchedule, herd: Herd) =>
  carryOut(ctx, schedule, onJobEnded(factsOf(schedule, herd), herd.at), herd)

/** All schedules: a cursor far ahead of now is one whose clock was set back; a queue may wait for the fuse only. */
export function fireRest(ctx: BrainContext): void {
  const herd = newHerd(ctx)
  for (const schedule of ctx.state.schedules.values()) {
    if (schedule.cursorAt > herd.at + firingCaps.rewindMs) void rewind(ctx, schedule)
    else if (schedule.queue.length > 0) startWaiting(ctx, schedule, herd)
  }
}

const callerOf = (schedule: LiveSchedule) =>
  ({ owner: schedule.owner, rights: 'user', from: 'schedule' }) as const

/** The whole of it: what its owner said, and how far it has come. */
export function saveSchedule(ctx: BrainContext, schedule: LiveSchedule): void {
  ctx.state.due.arm(schedule)
  if (schedule.templateOf === null) saveTemplate(ctx, schedule)
  const specJson = JSON.stringify(schedule.spec)
  ctx.journal.change({ put: 'schedule', row: { ...progressOf(schedule), specJson } })
}

function saveProgress(ctx: BrainContext, schedule: LiveSchedule): void {
  ctx.state.due.arm(schedule)
  ctx.journal.change({ advance: 'schedule', row: progressOf(schedule) })
}

function progressOf(schedule: LiveSchedule): ScheduleProgress {
  const { owner, name, cursorAt } = schedule
  return { owner, name, cursorAt, dataJson: scheduleText(schedule) }
}

function factsOf(schedule: LiveSchedule, { uptimeMs }: Herd): ScheduleFacts {
  if (schedule.recentStarts.length > 0)
    schedule.recentStarts = within(schedule.recentStarts, uptimeMs)
  return {
    owner: schedule.owner,
    name: schedule.name,
    expression: schedule.cron,
    overlap: schedule.spec.overlap,
    catchUp: schedule.spec.catchUp,
    jitterMs: schedule.spec.jitterMs,
    paused: schedule.paused,
    cursorMs: schedule.cursorAt,
    manualMs: schedule.manualAt,
    nextMs: schedule.nextDue,
    firedAhead: schedule.firedAhead,
    liveJobs: schedule.liveJobs,
    queue: schedule.queue,
    recentStarts: schedule.recentStarts,
    lastEntry: schedule.lastEntry,
  }
}

/** By due time: the number of the job that it became, or why it did not. */
type Started = { dueAt: number; job: number | null; refusal: Refusal | null }
function startedAt(started: readonly Started[], dueAt: number): Started | undefined {
  for (let at = started.length - 1; at >= 0; at -= 1)
    if (started[at]?.dueAt === dueAt) return started[at]
  return undefined
}

function carryOut(
  ctx: BrainContext,
  schedule: LiveSchedule,
  decision: FiringDecision,
  herd: Herd,
): readonly Started[] {
  let started: readonly Started[] = []
  schedule.cursorAt = decision.cursorMs
  // Of thousands at once nearly all have none, and leave these as they are: what is not written costs nothing.
  if (decision.firedAhead !== schedule.firedAhead) schedule.firedAhead = decision.firedAhead
  if (decision.queue !== schedule.queue) schedule.queue = decision.queue
  for (const start of decision.starts) {
    const job = startJob(ctx, schedule, start, herd)
    const isJob = typeof job === 'number'
    const { dueAt } = start
    started = withOne(started, { dueAt, job: isJob ? job : null, refusal: isJob ? null : job })
  }
  if (decision.grown) writeEntry(ctx, schedule, decision.grown, null)
  for (const entry of decision.entries) {
    const start = startedAt(started, entry.dueAt)
    if (start?.refusal)
      writeEntry(ctx, schedule, { ...entry, outcome: 'skipped', why: start.refusal.detail }, null)
    else writeEntry(ctx, schedule, entry, start?.job ?? null)
  }
  schedule.nextDue =
    decision.nextMs === undefined ? nextDue(schedule.cron, schedule.cursorAt) : decision.nextMs
  if (decision.fuse !== null) tellFuse(ctx, schedule, decision.fuse, herd)
  saveProgress(ctx, schedule)
  // Last of all: what ends at once makes room for what waits, and that must find all of the above done.
  const why = `replaced by the next firing of ${schedule.name}`
  if (decision.stop.length > 0)
    act(ctx, 'stop', callerOf(schedule), { jobs: decision.stop.map(String), why })
  return started
}

/** Once a minute at most: the ledger has every due time that it cost. */
function tellFuse(
  ctx: BrainContext,
  schedule: LiveSchedule,
  why: string,
  { uptimeMs: uptime }: Herd,
): void {
  if (schedule.fuseToldAt !== null && schedule.fuseToldAt > uptime - fuseCaps.windowMs) return
  schedule.fuseToldAt = uptime
  const { name, owner } = schedule
  note(ctx, 'schedule-fuse', why, { schedule: name, owner })
  ctx.log.warn({ event: 'schedule-fuse', schedule: name, owner, detail: why })
}

function startJob(
  ctx: BrainContext,
  schedule: LiveSchedule,
  start: Start,
  herd: Herd,
): number | Refusal {
  const usual = requestOf(schedule)
  // A start put off by jitter is a job that waits, so that the overlap gate sees it.
  const isPutOff = start.runAt > herd.at
  const request = isPutOff ? { ...usual, beginAt: iso(start.runAt) } : usual
  const from = { schedule, dueAt: start.dueAt }
  const result = submit(ctx, callerOf(schedule), request, [], from, herd)
  if (!result.ok) {
    note(ctx, 'schedule-refused', result.refusal.detail, {
      schedule: schedule.name,
      owner: schedule.owner,
    })
    if (start.fromQueue)
      writeEntry(ctx, schedule, entryOf(start, 'skipped', result.refusal.detail, herd.at), null)
    return result.refusal
  }
  schedule.liveJobs = withOne(schedule.liveJobs, result.value.job)
  const recent = { atUptimeMs: herd.uptimeMs, onTime: start.onTime }
  schedule.recentStarts = withOne(schedule.recentStarts, recent)
  if (start.fromQueue) {
    // It has an entry since it was due; the job's number completes it.
    const entry = entryOf(start, 'ran', 'after the run before it', herd.at)
    writeEntry(ctx, schedule, entry, result.value.job)
  }
  return result.value.job
}

/** Of one that had waited since it was due. */
function entryOf(
  { dueAt, manual }: Start,
  outcome: 'ran' | 'skipped',
  why: string,
  at: number,
): LedgerEntry {
  return { dueAt, until: null, count: 1, outcome, manual, why, at }
}

function writeEntry(
  ctx: BrainContext,
  schedule: LiveSchedule,
  entry: LedgerEntry,
  jobId: number | null,
): void {
  const { dueAt, until, count, outcome, manual, why, at } = entry
  ctx.journal.change({
    put: 'firing',
    row: {
      owner: schedule.owner,
      schedule: schedule.name,
      dueAt,
      until,
      count,
      outcome,
      jobId,
      manual,
      why,
      at,
    },
  })
  if (!manual && dueAt >= (schedule.lastEntry?.dueAt ?? 0))
    schedule.lastEntry = { dueAt, until, count, outcome, manual, why, at, jobId }
}
