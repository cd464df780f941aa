/**
 * What the jobs of a schedule are: written once for all of them when its owner says it, and again when a job of it would be
 * another one because the scheduler's own settings have changed.
 */
import { createHash } from 'node:crypto'

import type { JobRequest, JobSpec } from '../../proto/job.ts'
import { completeSpec } from '../core/admission.ts'
import type { LiveSchedule } from '../state/live-schedule.ts'
import type { BrainContext, BrainSettings } from './context.ts'
import { admitByQueue } from './queues.ts'

export const requestOf = ({ spec: { job }, name }: LiveSchedule): JobRequest =>
  job.name === undefined ? { ...job, name } : job

/** To be called when its owner has said what it is; what cannot be submitted now is looked at when it fires. */
export function saveTemplate(ctx: BrainContext, schedule: LiveSchedule): void {
  const completed = completeSpec(requestOf(schedule), [], ctx.settings.limits)
  if (!completed.ok) return
  const queued = admitByQueue(ctx, schedule.owner, completed.value, 0)
  if (queued.ok && isShared(queued.value))
    writeTemplate(ctx, schedule, queued.value, ctx.state.nextJob)
}

/** The text of a job's own spec; null where it is what its schedule submits now. */
export function specTextOf(
  ctx: BrainContext,
  schedule: LiveSchedule | null,
  spec: JobSpec,
  job: number,
): string | null {
  if (schedule === null || !isShared(spec)) return JSON.stringify(spec)
  writeTemplate(ctx, schedule, spec, job)
  return null
}

/** Begin times and dependencies are those of one firing. */
const isShared = ({ beginAt, after }: JobSpec): boolean => beginAt === null && after.length === 0

function writeTemplate(
  ctx: BrainContext,
  schedule: LiveSchedule,
  spec: JobSpec,
  fromJob: number,
): void {
  const settings = markFor(ctx, spec.queue)
  if (schedule.templateOf === settings) return
  schedule.templateOf = settings
  const { owner, name } = schedule
  const specJson = JSON.stringify(spec)
  ctx.journal.change({
    put: 'template',
    row: { owner, schedule: name, fromJob, name: spec.name, specJson, settings },
  })
}

/** All that makes a spec of a request: equal ones have equal marks. */
type Settings = Pick<BrainSettings, 'version' | 'limits'> & { timeMs: number | null }

/** Thousands of firings after one another have the same. */
let newest: (Settings & { mark: string }) | null = null

function markFor(ctx: BrainContext, queue: string): string {
  const { version, limits } = ctx.settings
  const timeMs = ctx.state.queues.get(queue)?.timeMs ?? null
  if (newest?.limits !== limits || newest.version !== version || newest.timeMs !== timeMs)
    newest = { version, limits, timeMs, mark: markOf({ version, limits, timeMs }) }
  return newest.mark
}

const markOf = (settings: Settings): string =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16)
