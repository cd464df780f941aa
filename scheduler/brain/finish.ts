/** The end of a job: it leaves memory, its row becomes history, and those who wait for it are told. */
import type { Cause } from '../../proto/cause.ts'
import { jobStateOf } from '../../proto/job.ts'
import { causeText } from '../../proto/words.ts'
import { moveTask } from '../core/task-machine.ts'
import { countsOf, freshTask, isOver, machineFacts, type LiveJob } from '../state/live-job.ts'
import { note, type BrainContext } from './context.ts'
import { endOf } from './rows.ts'
import { onScheduledJobEnded } from './schedule-firing.ts'
import { refreshWaiting, replaceTask } from './tasks.ts'

export function finishJob(ctx: BrainContext, job: LiveJob): void {
  if (!isOver(job) || !ctx.state.jobs.has(job.id)) return
  job.finishedAt = ctx.clock.now()
  const { outcome, cause } = endOf(job)
  const dependents = [...(ctx.state.dependents.get(job.id) ?? [])]
  ctx.state.waiting.drop(String(job.id))
  ctx.state.removeJob(job)
  ctx.journal.job(job)
  if (job.untouched.count === 0) ctx.journal.ranges(job)
  const detail = cause === null ? (outcome ?? 'finished') : `${outcome}: ${causeText(cause)}`
  note(ctx, 'finished', detail, { job: job.id, owner: job.owner, schedule: job.schedule })
  for (const waiter of ctx.finishWaiters.get(job.id) ?? []) waiter(job)
  ctx.finishWaiters.delete(job.id)
  for (const id of dependents) {
    const dependent = ctx.state.jobs.get(id)
    if (dependent) dependencyEnded(ctx, dependent, job, outcome === 'succeeded')
  }
  if (job.schedule !== null) onScheduledJobEnded(ctx, job)
}

function dependencyEnded(
  ctx: BrainContext,
  job: LiveJob,
  ended: LiveJob,
  succeeded: boolean,
): void {
  const broken = job.after.find(
    ({ job: id, on }) => id === ended.id && on !== 'any' && (on === 'ok') !== succeeded,
  )
  job.after = job.after.filter((dependency) => dependency.job !== ended.id)
  ctx.journal.job(job)
  if (broken === undefined) {
    refreshWaiting(ctx, job)
    return
  }
  const how = succeeded ? 'succeeded' : 'did not succeed'
  const detail = `job ${ended.id} (${ended.name}) ${how}, and this job was to run ${broken.on === 'ok' ? 'only after success' : 'only after failure'}`
  cancelWaiting(ctx, job, { kind: 'dependency-failed', job: ended.id, detail }, 'scheduler')
}

/** Ends every task that was never touched in one step, however many there are, and the touched ones that wait. */
export function cancelWaiting(ctx: BrainContext, job: LiveJob, cause: Cause, by: string): number {
  const stop = { cause, graceMs: null, then: 'finish' as const }
  const first = job.untouched.stretches[0]
  let count = 0
  if (first && job.untouched.count > 1) {
    const sample = moveTask(
      freshTask(job, first[0]),
      machineFacts(job),
      { happened: 'stop-wanted', stop },
      ctx.clock.now(),
    )
    const outcome = sample.state.is === 'finished' ? sample.state.outcome : 'cancelled'
    count = job.untouched.clear()
    job.ended = { ...job.ended, [outcome]: job.ended[outcome] + count }
    job.worst = sample.state
    ctx.journal.ranges(job)
    note(ctx, 'stopped', `${count} waiting tasks: ${causeText(cause)}`, {
      job: job.id,
      owner: job.owner,
      by,
    })
  }
  const waiting = [...(job.tasks?.values() ?? [])].filter(
    ({ state }) => state.is === 'pending' || state.is === 'held',
  )
  if (first && job.untouched.count === 1) waiting.push(freshTask(job, first[0]))
  for (const task of waiting) {
    const next = moveTask(
      task,
      machineFacts(job),
      { happened: 'stop-wanted', stop },
      ctx.clock.now(),
    )
    replaceTask(ctx, job, task, next, false)
    ctx.state.waiting.drop(`${job.id}.${task.index}`)
    count += 1
  }
  ctx.journal.job(job)
  if (isOver(job)) finishJob(ctx, job)
  else refreshWaiting(ctx, job)
  return count
}

export const stateOfJob = (job: LiveJob) => jobStateOf(countsOf(job))
