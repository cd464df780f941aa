/** Whether a schedule may be as its owner says: its expression, its job, and the queue that the job names. */
import type { ScheduleSpec } from '../../proto/schedule.ts'
import { completeSpec } from '../core/admission.ts'
import { parseExpression } from '../core/cron/expression.ts'
import { canEverRun } from '../core/explain.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { LiveSchedule } from '../state/live-schedule.ts'
import type { Caller } from './call.ts'
import type { BrainContext } from './context.ts'
import { admitByQueue } from './queues.ts'
import { problemOfResources } from './resources.ts'
import { problemOfPriority } from './select.ts'
import { shapeOf } from './submit.ts'

/** `warnings`: nothing is wrong with it, but as the nodes are now its jobs could not run. */
type Checked = { cron: LiveSchedule['cron']; warnings: string[] }

/** `priority`: what it has had so far, and may keep. */
export function checkSpec(
  ctx: BrainContext,
  caller: Caller,
  owner: string,
  spec: ScheduleSpec,
  priority = 0,
): Result<Checked> {
  const tooHigh = problemOfPriority(ctx, caller, spec.job.priority, priority)
  if (tooHigh) return { ok: false, refusal: tooHigh }
  const parsed = parseExpression(spec.expression, spec.tz, { owner, name: spec.name })
  if (!parsed.ok) return refuse('refused', parsed.problem)
  if ((spec.job.after ?? []).length > 0)
    return refuse('refused', 'a schedule cannot wait for another job', 'leave --after out')
  if (spec.job.owner !== undefined && spec.job.owner !== owner)
    return refuse('refused', `the jobs of a schedule are its owner's, ${owner}`, 'leave owner out')
  if (spec.job.dryRun === true)
    return refuse('refused', 'a schedule that only checks its job runs nothing', 'leave dryRun out')
  if (spec.job.beginAt)
    return refuse(
      'refused',
      'a schedule’s jobs begin when it is due',
      'leave --begin out; --jitter starts them later',
    )
  const job = completeSpec(spec.job, [], ctx.settings.limits)
  if (!job.ok) return job
  // How full the queue is counts when it fires.
  const missing = problemOfResources(ctx, job.value)
  if (missing?.code === 'refused') return { ok: false, refusal: missing }
  const queued = admitByQueue(ctx, owner, job.value, 0)
  if (!queued.ok) return queued
  if (job.value.kind === 'continuous') {
    return refuse(
      'refused',
      'a continuous job cannot be scheduled: it always runs',
      'submit it with `eg submit --continuous`',
    )
  }
  const fit = canEverRun(shapeOf(ctx, owner, queued.value), ctx.state.capacity)
  // Other nodes may be there when it is due.
  const misfit = missing ?? (fit.ok ? null : fit)
  const warnings =
    misfit === null
      ? []
      : [`${misfit.detail}; while that is so its due times are skipped`, misfit.hint ?? '']
  return done({ cron: parsed.value, warnings })
}
