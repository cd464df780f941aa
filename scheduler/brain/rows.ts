/** Rows for the store from what lives in memory, and back. */
import type { Cause } from '../../proto/cause.ts'
import { jobStateOf, type Outcome } from '../../proto/job.ts'
import type { Task } from '../core/task-state.ts'
import { placementOf } from '../core/task-state.ts'
import { countsOf, isOver, type LiveJob } from '../state/live-job.ts'
import type { JobRow, TaskRow } from '../store/change.ts'
import { countsText, factsText, taskOfText, taskText } from './stored.ts'

export function jobRow(job: LiveJob, specJson: string | null): JobRow {
  const counts = countsOf(job)
  const { outcome, cause } = endOf(job)
  const { finishedAt } = job
  return {
    id: job.id,
    owner: job.owner,
    name: job.name,
    kind: job.kind,
    queue: job.queue,
    specJson,
    factsJson: factsText(job),
    priority: job.priority,
    submittedAt: job.submittedAt,
    startedAt: job.startedAt,
    finishedAt,
    state: jobStateOf(counts),
    outcome: finishedAt === null ? null : outcome,
    causeJson: finishedAt === null || cause === null ? null : JSON.stringify(cause),
    countsJson: countsText(counts),
    restarts: job.restarts,
    schedule: job.schedule,
    dueAt: job.dueAt,
  }
}

/** A job failed if any task failed, else was cancelled if any was; null while it lives. */
export function endOf(job: LiveJob): { outcome: Outcome | null; cause: Cause | null } {
  if (!isOver(job)) return { outcome: null, cause: null }
  const cause = job.worst?.cause ?? null
  if (job.ended.failed > 0) return { outcome: 'failed', cause }
  return { outcome: job.ended.cancelled > 0 ? 'cancelled' : 'succeeded', cause }
}

export function taskRow(task: Task): TaskRow {
  const { state } = task
  return {
    job: task.job,
    index: task.index,
    state: state.is,
    outcome: state.is === 'finished' ? state.outcome : null,
    node: placementOf(state)?.node ?? null,
    epoch: task.epoch,
    since: task.since,
    dataJson: taskText(task),
  }
}

export function taskOfRow(row: TaskRow): Task {
  const { state, lastRun, lastEnded, failures, avoid, suspend } = taskOfText(row.dataJson)
  const { job, index, since, epoch } = row
  return { job, index, state, since, epoch, lastRun, lastEnded, failures, avoid, suspend }
}
