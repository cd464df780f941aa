/** Rows for the store from what lives in memory, and back. */
import type { Cause } from '../../proto/cause.ts'
import { jobStateOf, type Outcome } from '../../proto/job.ts'
import type { Task, TaskState } from '../core/task-state.ts'
import { placementOf } from '../core/task-state.ts'
import { countsOf, isOver, type LiveJob, type StoredFacts } from '../state/live-job.ts'
import type { JobRow, TaskRow } from '../store/change.ts'

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
    factsJson: JSON.stringify(storedFacts(job)),
    priority: job.priority,
    submittedAt: job.submittedAt,
    startedAt: job.startedAt,
    finishedAt,
    state: jobStateOf(counts),
    outcome: finishedAt === null ? null : outcome,
    causeJson: finishedAt === null || cause === null ? null : JSON.stringify(cause),
    countsJson: JSON.stringify(counts),
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

function storedFacts(job: LiveJob): StoredFacts {
  return {
    slots: job.shape.slots,
    memBytes: job.shape.memBytes,
    where: job.shape.where,
    beginAt: job.beginAt,
    after: [...job.after],
    array: job.array,
    maxRunning: job.maxRunning,
    retry: job.retry,
    restart: job.restart,
    onPartition: job.onPartition,
    wanted: job.wanted,
    restartOrder: job.restartOrder,
    epochBase: job.epochBase,
    worst: job.worst,
    cancelled: job.cancelled,
  }
}

type StoredTask = Pick<Task, 'lastRun' | 'lastEnded' | 'failures' | 'avoid' | 'suspend'> & {
  state: TaskState
}

export function taskRow(task: Task): TaskRow {
  const { state, lastRun, lastEnded, failures, avoid, suspend } = task
  const data: StoredTask = { lastRun, lastEnded, failures, avoid, suspend, state }
  return {
    job: task.job,
    index: task.index,
    state: state.is,
    outcome: state.is === 'finished' ? state.outcome : null,
    node: placementOf(state)?.node ?? null,
    epoch: task.epoch,
    since: task.since,
    dataJson: JSON.stringify(data),
  }
}

export function taskOfRow(row: TaskRow): Task {
  const data = JSON.parse(row.dataJson) as StoredTask
  return { job: row.job, index: row.index, since: row.since, epoch: row.epoch, ...data }
}
