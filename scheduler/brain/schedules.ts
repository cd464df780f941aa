/** Schedules: add, edit, pause, resume, run, remove, and how they are shown. */
import type { Refusal } from '../../proto/errors.ts'
import { iso } from '../../proto/ids.ts'
import type {
  Firing,
  ScheduleChanged,
  ScheduleDetail,
  ScheduleEdit,
  ScheduleRequest,
  ScheduleSpec,
  ScheduleSummary,
} from '../../proto/schedule.ts'
import { nextDue, upcoming } from '../core/cron/next-due.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { hideSecrets, keepSecrets } from '../core/secret-env.ts'
import { scheduleKey, type LiveSchedule } from '../state/live-schedule.ts'
import type { FiringRow } from '../store/change.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { admitSchedules } from './quota.ts'
import { auditSchedule, specChange, specOf } from './schedule-audit.ts'
import { checkSpec } from './schedule-check.ts'
import { fireDue, fireManually, saveSchedule } from './schedule-firing.ts'
import { mayChange, notYours } from './select.ts'
import { problemOfClock } from './wall-clock.ts'

const shownDueTimes = 5
export const usualPolicies = {
  tz: 'UTC',
  overlap: 'forbid',
  catchUp: 'none',
  jitterMs: 0,
} as const satisfies Partial<ScheduleSpec>

export function addSchedule(
  ctx: BrainContext,
  caller: Caller,
  request: ScheduleRequest,
): Result<ScheduleChanged> {
  const { owner } = caller
  if (ctx.state.schedules.has(scheduleKey(owner, request.name))) {
    return refuse(
      'name-taken',
      `you have a schedule "${request.name}"`,
      `change it with \`eg schedule edit ${request.name}\`, or choose another name`,
    )
  }
  const refused = ctx.settings.refuseOwner(owner)
  if (refused) return refuse('forbidden', refused.detail, refused.hint)
  const tooMany = admitSchedules(ctx, owner, 1)
  if (tooMany) return tooMany
  const spec: ScheduleSpec = { ...usualPolicies, ...request }
  const checked = checkSpec(ctx, caller, owner, spec)
  if (!checked.ok) return checked
  const { cron, warnings } = checked.value
  return done({ ...summary(beginSchedule(ctx, caller, spec, cron)), warnings })
}

/** A new schedule of the caller's, which has been judged. */
export function beginSchedule(
  ctx: BrainContext,
  caller: Caller,
  spec: ScheduleSpec,
  cron: LiveSchedule['cron'],
): LiveSchedule {
  const { owner } = caller
  const { name, expression, tz } = spec
  const cursorAt = ctx.clock.now()
  const schedule: LiveSchedule = {
    owner,
    name,
    spec,
    cron,
    templateOf: null,
    cursorAt,
    nextDue: nextDue(cron, cursorAt),
    paused: null,
    firedAhead: [],
    queue: [],
    lastEntry: null,
    liveJobs: [],
    armedAt: null,
    recentStarts: [],
    manualAt: null,
    fuseToldAt: null,
    rewinding: false,
  }
  ctx.state.addSchedule(schedule)
  saveSchedule(ctx, schedule)
  note(ctx, 'schedule-added', `${expression} ${tz}`, { schedule: name, owner, by: owner })
  auditSchedule(ctx, caller, 'add', schedule, null, specOf(spec))
  ctx.wake()
  return schedule
}

/** The caller's schedule, or for operators anybody's. */
export function findSchedule(
  ctx: BrainContext,
  caller: Caller,
  name: string,
  owner: string | undefined,
): Result<LiveSchedule> {
  const found = ctx.state.schedules.get(scheduleKey(owner ?? caller.owner, name))
  if (!found)
    return refuse('not-found', `you have no schedule "${name}"`, 'list them with `eg schedules`')
  if (!mayChange(caller, found.owner)) return notYours(ctx, `schedule ${name}`, found.owner)
  return done(found)
}

export function editSchedule(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
  edit: ScheduleEdit,
): Result<ScheduleChanged> {
  const { job } = schedule.spec
  const spec = {
    ...schedule.spec,
    ...edit,
    job: edit.job ? { ...job, ...keepSecrets(edit.job, job) } : job,
  }
  const checked = checkSpec(ctx, caller, schedule.owner, spec, schedule.spec.job.priority)
  if (!checked.ok) return checked
  const held = problemOfClock(ctx)
  if (held) return { ok: false, refusal: held }
  const detail = Object.keys(edit).join(', ')
  const { cron, warnings } = checked.value
  return done({ ...respecify(ctx, caller, schedule, { spec, cron, detail }), warnings })
}

/** What has been judged, and the wall clock with it, takes effect. `detail` says what changes. */
export function respecify(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
  { spec, cron, detail }: Pick<LiveSchedule, 'spec' | 'cron'> & { detail: string },
): ScheduleSummary {
  // The due times up to now are judged by what the schedule said until now.
  fireDue(ctx, schedule)
  const [before, after] = specChange(schedule.spec, spec)
  auditSchedule(ctx, caller, 'edit', schedule, before, after)
  schedule.spec = spec
  schedule.cron = cron
  schedule.templateOf = null
  schedule.nextDue = nextDue(schedule.cron, schedule.cursorAt)
  return changed(ctx, caller, schedule, 'schedule-edited', detail)
}

/** The due times up to now are judged by what the schedule said until now; null when that is done. */
function coverDue(ctx: BrainContext, schedule: LiveSchedule): Refusal | null {
  const waits = problemOfClock(ctx)
  if (waits) return waits
  fireDue(ctx, schedule)
  return null
}

export function pauseSchedule(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
  why: string,
): Result<ScheduleSummary> {
  if (schedule.paused)
    return refuse(
      'wrong-state',
      `schedule ${schedule.name} is paused by ${schedule.paused.by} since ${iso(schedule.paused.at)}`,
    )
  const held = coverDue(ctx, schedule)
  if (held) return { ok: false, refusal: held }
  auditSchedule(ctx, caller, 'pause', schedule, { paused: false }, { paused: true, why })
  schedule.paused = { by: caller.owner, why, at: ctx.clock.now() }
  return done(changed(ctx, caller, schedule, 'schedule-paused', why))
}

export function resumeSchedule(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
): Result<ScheduleSummary> {
  if (!schedule.paused) return refuse('wrong-state', `schedule ${schedule.name} is not paused`)
  const held = coverDue(ctx, schedule)
  if (held) return { ok: false, refusal: held }
  auditSchedule(ctx, caller, 'resume', schedule, { paused: true }, { paused: false })
  schedule.paused = null
  return done(changed(ctx, caller, schedule, 'schedule-resumed', ''))
}

export function runSchedule(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
): Result<Firing> {
  const { outcome, why, jobId, dueAt } = fireManually(ctx, schedule, caller.owner)
  auditSchedule(ctx, caller, 'run', schedule, null, { outcome, job: jobId })
  return done({
    dueAt: iso(dueAt),
    until: null,
    count: 1,
    outcome,
    jobId,
    manual: true,
    why,
    at: iso(ctx.clock.now()),
  })
}

export function removeSchedule(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
): Result<Record<string, never>> {
  if (ctx.state.crontabs.get(schedule.owner)?.names.includes(schedule.name))
    return refuse(
      'wrong-state',
      `schedule ${schedule.name} is a line of the crontab of ${schedule.owner}`,
      'remove the line with `crontab -e`, or pause the schedule',
    )
  endSchedule(ctx, caller, schedule)
  return done({})
}

export function endSchedule(ctx: BrainContext, caller: Caller, schedule: LiveSchedule): void {
  const { owner, name } = schedule
  auditSchedule(ctx, caller, 'remove', schedule, specOf(schedule.spec), null)
  ctx.state.removeSchedule(schedule)
  ctx.journal.change({ drop: 'schedule', owner, name })
  const about = { schedule: name, owner, by: caller.owner }
  note(ctx, 'schedule-removed', 'removed; its running jobs go on', about)
}

function changed(
  ctx: BrainContext,
  caller: Caller,
  schedule: LiveSchedule,
  what: string,
  detail: string,
): ScheduleSummary {
  saveSchedule(ctx, schedule)
  note(ctx, what, detail, { schedule: schedule.name, owner: schedule.owner, by: caller.owner })
  ctx.wake()
  return summary(schedule)
}

export function summary(schedule: LiveSchedule): ScheduleSummary {
  const { owner, name, spec, paused, lastEntry } = schedule
  return {
    name,
    owner,
    expression: spec.expression,
    tz: spec.tz,
    overlap: spec.overlap,
    catchUp: spec.catchUp,
    jitterMs: spec.jitterMs,
    paused: paused && { ...paused, at: iso(paused.at) },
    next: upcoming(schedule.cron, schedule.cursorAt, shownDueTimes).map(iso),
    lastFiring: lastEntry && firingOf(lastEntry),
    liveJobs: [...schedule.liveJobs],
  }
}

export async function showSchedule(
  ctx: BrainContext,
  schedule: LiveSchedule,
  limit: number,
): Promise<ScheduleDetail> {
  await ctx.journal.settled()
  const ledger = await ctx.store.query('firings', {
    owner: schedule.owner,
    schedule: schedule.name,
    limit,
  })
  const job = hideSecrets(schedule.spec.job)
  return { ...summary(schedule), job, ledger: ledger.map(firingOf) }
}

function firingOf(row: Omit<FiringRow, 'owner' | 'schedule'>): Firing {
  const { dueAt, until, count, outcome, jobId, manual, why, at } = row
  return {
    dueAt: iso(dueAt),
    until: until === null ? null : iso(until),
    count,
    outcome,
    jobId,
    manual,
    why,
    at: iso(at),
  }
}
