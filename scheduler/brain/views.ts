/** How jobs and tasks are shown over the API. */
import type { Cause } from '../../proto/cause.ts'
import { iso, isoOrNull } from '../../proto/ids.ts'
import {
  jobStateOf,
  type JobSummary,
  type Run,
  type TaskStateName,
  type TaskView,
} from '../../proto/job.ts'
import { causeText } from '../../proto/words.ts'
import { placementOf, type Task, type TaskState } from '../core/task-state.ts'
import { countsOf, type LiveJob, type StoredFacts } from '../state/live-job.ts'
import type { JobRow, RunRow } from '../store/change.ts'
import { endOf } from './rows.ts'
import { countsOfText, factsOf } from './stored.ts'

export function liveSummary(job: LiveJob): JobSummary {
  const counts = countsOf(job)
  const state = jobStateOf(counts)
  const { outcome, cause } = endOf(job)
  const single = job.array === null ? soleTask(job) : null
  return {
    id: job.id,
    name: job.name,
    owner: job.owner,
    kind: job.kind,
    state,
    outcome,
    cause,
    node: single ? (placementOf(single.state)?.node ?? null) : null,
    queue: job.queue,
    slots: job.shape.slots,
    memBytes: job.shape.memBytes,
    priority: job.priority,
    submittedAt: iso(job.submittedAt),
    startedAt: isoOrNull(job.startedAt),
    finishedAt: isoOrNull(job.finishedAt),
    array: job.array,
    counts,
    schedule: job.schedule,
    reason: jobReason(job, state, single),
    crashLoop: single?.state.is === 'backoff' && single.state.crashLoop,
    restarts: job.restarts,
    beginAt: isoOrNull(job.beginAt),
    waitsFor: job.after.map((dependency) => dependency.job),
  }
}

/** A finished job, from its row. */
export function finishedSummary(row: Omit<JobRow, 'specJson'>): JobSummary {
  const facts = factsOf(row.factsJson, row)
  const cause = row.causeJson === null ? null : (JSON.parse(row.causeJson) as Cause)
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    kind: row.kind,
    state: row.state,
    outcome: row.outcome,
    cause,
    node: null,
    queue: row.queue,
    slots: facts.slots,
    memBytes: facts.memBytes,
    priority: row.priority,
    submittedAt: iso(row.submittedAt),
    startedAt: isoOrNull(row.startedAt),
    finishedAt: isoOrNull(row.finishedAt),
    array: facts.array,
    counts: countsOfText(row.countsJson),
    schedule: row.schedule,
    reason: cause && causeText(cause),
    crashLoop: false,
    restarts: row.restarts,
  }
}

function soleTask(job: LiveJob): Task | null {
  for (const task of job.tasks?.values() ?? []) return task
  return null
}

function jobReason(job: LiveJob, state: TaskStateName, single: Task | null): string | null {
  if (single) return taskReason(single.state, single.suspend)
  if (state === 'held')
    return `held by ${job.wanted.by}${job.wanted.why === '' ? '' : `: ${job.wanted.why}`}`
  if (state !== 'pending') return null
  const [first] = job.after
  if (first) return `waits for the end of job ${first.job}`
  return job.beginAt === null ? 'waits for a place' : `begins at ${iso(job.beginAt)}`
}

function taskReason(state: TaskState, suspend = false): string | null {
  switch (state.is) {
    case 'pending':
      return state.notBefore === null
        ? 'waits for a place'
        : `is tried again at ${iso(state.notBefore)}`
    case 'backoff':
      if (suspend) return 'suspended: its next run begins when it is resumed'
      return state.crashLoop
        ? `crash loop: ${state.failures} ends in a row, next run at ${iso(state.until)}`
        : `next run at ${iso(state.until)}`
    case 'stopping':
      return stoppingReason(state)
    case 'unreachable':
      return state.why
    case 'finished':
      return state.cause && causeText(state.cause)
    case 'running':
      return state.healthy ? null : 'its last check failed; it is restarted if that goes on'
    case 'held':
    case 'placed':
    case 'suspended':
      return null
    default:
      return state satisfies never
  }
}

function stoppingReason({ stop, stuck }: Extract<TaskState, { is: 'stopping' }>): string {
  const [first] = stuck
  const held = first
    ? `; process ${first.pid} does not die (state ${first.state}, in ${first.waitChannel || 'user code'})`
    : ''
  return `${causeText(stop.cause)}${held}`
}

export function taskView(task: Task, runs: Run[] | undefined): TaskView {
  const { state } = task
  const placement = placementOf(state)
  const view = {
    index: task.index,
    state: state.is,
    outcome: state.is === 'finished' ? state.outcome : null,
    node: placement?.node ?? null,
    epoch: task.epoch,
    since: iso(task.since),
    reason: taskReason(state, task.suspend),
    cause: state.is === 'finished' ? state.cause : null,
    crashLoop: state.is === 'backoff' && state.crashLoop,
    nextRunAt: state.is === 'backoff' ? iso(state.until) : null,
  }
  return runs === undefined ? view : { ...view, runs }
}

/** Tasks that were ended before they were touched. */
export function cancelledViews(
  { array, cancelled }: Pick<StoredFacts, 'array' | 'cancelled'>,
  from: number,
  to: number,
): TaskView[] {
  if (cancelled === null) return []
  const { end, at, stretches } = cancelled
  const view = {
    state: end.is,
    outcome: end.outcome,
    node: null,
    epoch: 0,
    since: iso(at),
    reason: taskReason(end),
    cause: end.cause,
    crashLoop: false,
    nextRunAt: null,
  }
  return stretches
    .filter(([first, last]) => first <= to && last >= from)
    .map(([first, last]) =>
      array === null
        ? { index: first, ...view, runs: [] }
        : { range: [first, last], step: array.step, ...view },
    )
}

export function rangeView(job: LiveJob, from: number, to: number): TaskView {
  const state = job.wanted.what === 'hold' ? 'held' : 'pending'
  const since = iso(job.submittedAt)
  const rest = {
    outcome: null,
    node: null,
    epoch: 0,
    since,
    reason: null,
    cause: null,
    crashLoop: false,
    nextRunAt: null,
  }
  if (job.array === null) return { index: from, state, ...rest, runs: [] }
  return { range: [from, to], step: job.untouched.step, state, ...rest }
}

export function runView(row: RunRow): Run {
  const cause = row.causeJson === null ? null : (JSON.parse(row.causeJson) as Cause)
  return {
    number: row.number,
    epoch: row.epoch,
    node: row.node,
    pid: row.pid,
    startedAt: isoOrNull(row.startedAt),
    endedAt: isoOrNull(row.endedAt),
    exitCode: cause?.kind === 'exit' ? cause.code : null,
    signal: cause?.kind === 'signal' ? cause.signal : null,
    cause,
    usage: row.usageJson === null ? null : (JSON.parse(row.usageJson) as Run['usage']),
  }
}

export const firstIndex = (view: TaskView): number => ('index' in view ? view.index : view.range[0])

/** Tasks of a live job that have not ended, in order. */
export function unfinishedOf(job: LiveJob): TaskView[] {
  const touched = [...(job.tasks?.values() ?? [])]
    .filter(({ state }) => state.is !== 'finished')
    .map((task) => taskView(task, undefined))
  const ranges = job.untouched.stretches.map(([from, to]) => rangeView(job, from, to))
  return [...touched, ...ranges].toSorted((a, b) => firstIndex(a) - firstIndex(b))
}
