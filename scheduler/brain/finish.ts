/** The end of a job: it leaves memory, its row becomes history, and those who wait for it are told. */
import type { Cause } from '../../proto/cause.ts'
import { causeText } from '../../proto/words.ts'
import { moveTask } from '../core/task-machine.ts'
import type { StopPlan } from '../core/task-state.ts'
import { noIndexes } from '../state/index-ranges.ts'
import { countEnds, freshTask, isOver, machineFacts, type LiveJob } from '../state/live-job.ts'
import { note, type BrainContext } from './context.ts'
import { endOf } from './rows.ts'
import { refreshWaiting, replaceTask } from './tasks.ts'

export function finishJob(ctx: BrainContext, job: LiveJob): void {
  if (!isOver(job) || !ctx.state.jobs.has(job.id)) return
  job.finishedAt = ctx.clock.now()
  const { outcome, cause } = endOf(job)
  ctx.state.waiting.drop(String(job.id))
  ctx.journal.job(job)
  const detail = cause === null ? (outcome ?? 'finished') : `${outcome}: ${causeText(cause)}`
  note(ctx, 'finished', detail, { job: job.id, owner: job.owner, schedule: job.schedule })
  for (const waiter of ctx.finishWaiters.get(job.id) ?? []) waiter(job)
  ctx.finishWaiters.delete(job.id)
  const dependents = [...(ctx.state.dependents.get(job.id) ?? [])]
  ctx.state.removeJob(job)
  ctx.endings.push({ job, dependents })
  // One end may bring on others, in chains longer than the stack is deep: the outermost call tells them all.
  if (ctx.endings.length === 1) tellEnds(ctx)
}

function tellEnds(ctx: BrainContext): void {
  for (const { job, dependents } of ctx.endings) {
    for (const id of dependents) {
      const dependent = ctx.state.jobs.get(id)
      if (dependent) dependencyEnded(ctx, dependent, job, endOf(job).outcome === 'succeeded')
    }
    if (job.schedule !== null) ctx.follow.firingOver(job)
  }
  ctx.endings.length = 0
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
  let count = cancelUntouched(ctx, job, stop, by)
  const waiting = [...(job.tasks?.values() ?? [])].filter(
    ({ state }) => state.is === 'pending' || state.is === 'held',
  )
  for (const task of waiting) {
    const next = moveTask(
      task,
      machineFacts(job),
      { happened: 'stop-wanted', stop },
      ctx.clock.now(),
    )
    replaceTask(ctx, job, task, next)
    count += 1
  }
  ctx.journal.job(job)
  if (isOver(job)) finishJob(ctx, job)
  else refreshWaiting(ctx, job)
  return count
}

/** How many. They stay a range, which the job's own row remembers. */
function cancelUntouched(ctx: BrainContext, job: LiveJob, stop: StopPlan, by: string): number {
  const { count, stretches } = job.untouched
  const [first] = stretches
  if (first === undefined) return 0
  const now = ctx.clock.now()
  const event = { happened: 'stop-wanted', stop } as const
  const { state } = moveTask(freshTask(job, first[0]), machineFacts(job), event, now)
  if (state.is !== 'finished') return 0
  job.cancelled = { stretches, end: state, at: now }
  job.untouched = noIndexes
  ctx.state.use.count(job.owner, 'pending', -count)
  countEnds(job, state, count)
  ctx.journal.ranges(job)
  if (!isOver(job)) {
    const detail = `${count} waiting tasks: ${causeText(stop.cause)}`
    note(ctx, 'stopped', detail, { job: job.id, owner: job.owner, by })
  }
  return count
}
