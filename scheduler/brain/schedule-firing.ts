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
import type { LedgerEntry } from '../core/cron/ledger.ts'
import { nextDue } from '../core/cron/next-due.ts'
import type { LiveJob } from '../state/live-job.ts'
import { scheduleKey, type LiveSchedule } from '../state/live-schedule.ts'
import { act } from './actions.ts'
import { note, type BrainContext } from './context.ts'
import { submit } from './submit.ts'

const minuteMs = 60_000

/** Covers every due time up to now. */
export function fireDue(ctx: BrainContext, schedule: LiveSchedule): void {
  if (schedule.cursorAt > ctx.clock.now() + firingCaps.rewindMs) void rewind(ctx, schedule)
  else carryOut(ctx, schedule, decide(factsOf(ctx, schedule), ctx.clock.now()))
}

/** The clock was set back: what has fired for times that come again must not fire twice. */
async function rewind(ctx: BrainContext, schedule: LiveSchedule): Promise<void> {
  if (schedule.rewinding) return
  schedule.rewinding = true
  await ctx.journal.settled()
  const firings = await ctx.store.query('firings', {
    owner: schedule.owner,
    schedule: schedule.name,
    limit: 1_000,
  })
  const now = ctx.clock.now()
  const fired = firings.filter(
    (row) => (row.outcome === 'ran' || row.outcome === 'queued') && row.dueAt > now && !row.manual,
  )
  schedule.firedAhead = fired.map((row) => row.dueAt).sort((a, b) => a - b)
  schedule.rewinding = false
  if (ctx.state.schedules.get(scheduleKey(schedule.owner, schedule.name)) === schedule) {
    carryOut(ctx, schedule, decide(factsOf(ctx, schedule), now))
  }
}

export function fireManually(
  ctx: BrainContext,
  schedule: LiveSchedule,
  by: string,
): { outcome: FiringOutcome; why: string; jobId: number | null; dueAt: number } {
  const decision = manualRun(factsOf(ctx, schedule), ctx.clock.now())
  const dueAt = decision.entries[0]?.dueAt ?? ctx.clock.now()
  const jobs = carryOut(ctx, schedule, decision)
  note(ctx, 'schedule-run', `run by hand: ${decision.outcome}`, {
    schedule: schedule.name,
    owner: schedule.owner,
    by,
  })
  return { outcome: decision.outcome, why: decision.why, jobId: jobs.get(dueAt) ?? null, dueAt }
}

export function onScheduledJobEnded(ctx: BrainContext, job: LiveJob): void {
  const schedule = ctx.state.schedules.get(scheduleKey(job.owner, job.schedule ?? ''))
  if (!schedule?.liveJobs.delete(job.id)) return
  if (schedule.queue.length > 0)
    carryOut(ctx, schedule, onJobEnded(factsOf(ctx, schedule), ctx.clock.now()))
}

export function saveSchedule(ctx: BrainContext, schedule: LiveSchedule): void {
  const { paused, firedAhead, queue, lastEntry } = schedule
  ctx.journal.change({
    put: 'schedule',
    row: {
      owner: schedule.owner,
      name: schedule.name,
      cursorAt: schedule.cursorAt,
      specJson: JSON.stringify(schedule.spec),
      dataJson: JSON.stringify({ paused, firedAhead, queue, lastEntry }),
    },
  })
}

function factsOf(ctx: BrainContext, schedule: LiveSchedule): ScheduleFacts {
  const now = ctx.clock.now()
  schedule.recentStarts = schedule.recentStarts.filter((at) => at > now - minuteMs)
  return {
    owner: schedule.owner,
    name: schedule.name,
    expression: schedule.cron,
    overlap: schedule.spec.overlap,
    catchUp: schedule.spec.catchUp,
    jitterMs: schedule.spec.jitterMs,
    paused: schedule.paused,
    cursorMs: schedule.cursorAt,
    firedAhead: schedule.firedAhead,
    liveJobs: [...schedule.liveJobs],
    queue: schedule.queue,
    startsLastMinute: schedule.recentStarts.length,
    lastEntry: schedule.lastEntry,
  }
}

/** Due time -> number of the job that it became. */
function carryOut(
  ctx: BrainContext,
  schedule: LiveSchedule,
  decision: FiringDecision,
): Map<number, number> {
  const jobs = new Map<number, number>()
  const refusals = new Map<number, Refusal>()
  schedule.cursorAt = decision.cursorMs
  schedule.firedAhead = decision.firedAhead
  schedule.queue = decision.queue
  const scheduler = { owner: schedule.owner, rights: 'user', from: 'schedule' } as const
  for (const job of decision.stop) {
    act(ctx, 'stop', scheduler, {
      jobs: [String(job)],
      why: `replaced by the next firing of ${schedule.name}`,
    })
  }
  for (const start of decision.starts) {
    const job = startJob(ctx, schedule, start)
    if (typeof job === 'number') jobs.set(start.dueAt, job)
    else refusals.set(start.dueAt, job)
  }
  if (decision.grown) writeEntry(ctx, schedule, decision.grown, null)
  for (const entry of decision.entries) {
    const refusal = refusals.get(entry.dueAt)
    if (refusal)
      writeEntry(ctx, schedule, { ...entry, outcome: 'skipped', why: refusal.detail }, null)
    else writeEntry(ctx, schedule, entry, jobs.get(entry.dueAt) ?? null)
  }
  schedule.nextDue = nextDue(schedule.cron, schedule.cursorAt)
  saveSchedule(ctx, schedule)
  return jobs
}

function startJob(ctx: BrainContext, schedule: LiveSchedule, start: Start): number | Refusal {
  const caller = { owner: schedule.owner, rights: 'user', from: 'schedule' } as const
  const { job } = schedule.spec
  // A start put off by jitter is a job that waits, so that the overlap gate sees it.
  const begin = start.runAt > ctx.clock.now() ? { beginAt: iso(start.runAt) } : {}
  const request = { ...job, name: job.name ?? schedule.name, ...begin }
  const result = submit(ctx, caller, request, [], { name: schedule.name, dueAt: start.dueAt })
  if (!result.ok) {
    note(ctx, 'schedule-refused', result.refusal.detail, {
      schedule: schedule.name,
      owner: schedule.owner,
    })
    return result.refusal
  }
  schedule.liveJobs.add(result.value.job)
  schedule.recentStarts.push(ctx.clock.now())
  if (start.fromQueue) {
    // It has an entry since it was due; the job's number completes it.
    const entry = {
      dueAt: start.dueAt,
      until: null,
      count: 1,
      outcome: 'ran' as const,
      manual: start.manual,
      why: 'after the run before it',
      at: ctx.clock.now(),
    }
    writeEntry(ctx, schedule, entry, result.value.job)
  }
  return result.value.job
}

function writeEntry(
  ctx: BrainContext,
  schedule: LiveSchedule,
  entry: LedgerEntry,
  jobId: number | null,
): void {
  ctx.journal.change({
    put: 'firing',
    row: { owner: schedule.owner, schedule: schedule.name, jobId, ...entry },
  })
  if (!entry.manual) schedule.lastEntry = entry
}
