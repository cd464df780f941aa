/** Rows for the store from what lives in memory, and back. */
import type { Cause } from '../../proto/cause.ts'
import { jobStateOf, type Outcome } from '../../proto/job.ts'
import type { Task } from '../core/task-state.ts'
import { placementOf } from '../core/task-state.ts'
import { countsOf, isOver, noneEnded, type LiveJob } from '../state/live-job.ts'
import type { JobRow, TaskRow } from '../store/change.ts'
import { countsText, factsText, taskOfText, taskText } from './stored.ts'

export function jobRow(job: LiveJob, specJson: string | null): JobRow {
  const { finishedAt } = job
  const { state, countsJson } = standing(job)
  const { outcome, cause } = finishedAt === null ? notOver : endOf(job)
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
    state,
    outcome,
    causeJson: cause === null ? null : JSON.stringify(cause),
    countsJson,
    restarts: job.restarts,
    schedule: job.schedule,
    dueAt: job.dueAt,
  }
}

function standing(job: LiveJob): Pick<JobRow, 'state' | 'countsJson'> {
  const { count } = job.untouched
  // Of many jobs at once nearly all are new.
  if (job.tasks === null && job.ended === noneEnded && count > 0) {
    const state = job.wanted.what === 'hold' ? 'held' : 'pending'
    return { state, countsJson: `{"${state}":${count}}` }
  }
  const counts = countsOf(job)
  return { state: jobStateOf(counts), countsJson: countsText(counts) }
}

const notOver = { outcome: null, cause: null }

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
