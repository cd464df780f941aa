/** A live job in memory: only what scheduling needs; the whole spec stays in the store. */
import type {
  ArrayRange,
  Dependency,
  Exits,
  JobKind,
  JobSpec,
  Outcome,
  TaskCounts,
} from '../../proto/job.ts'
import { outcomes, taskStates } from '../../proto/job.ts'
import type { Asks } from '../core/placement/resources.ts'
import type { Shape } from '../core/placement/shape.ts'
import type { JobFacts } from '../core/task-machine.ts'
import type { Task } from '../core/task-state.ts'
import { IndexRanges, oneIndex, type Stretch } from './index-ranges.ts'

export type WantedFact = {
  what: 'run' | 'hold' | 'suspend' | 'stop'
  by: string
  why: string
  at: number
}
export type RestartOrder = { count: number; by: string; why: string }

/** Kept in the store beside the row's own columns, so that a start need not read specs. */
export type StoredFacts = {
  slots: number
  memBytes: number
  where: Record<string, string>
  resources: Asks | null
  beginAt: number | null
  after: Dependency[]
  array: ArrayRange | null
  maxRunning: number | null
  retry: number
  restart: JobSpec['restart']
  onPartition: JobSpec['onPartition']
  exits: Exits | null
  wanted: WantedFact
  restartOrder: RestartOrder | null
  epochBase: number
  worst: FinishedState | null
  cancelled: CancelledRange | null
}

type FinishedState = Extract<Task['state'], { is: 'finished' }>
/** Tasks that were ended before they were touched, all in one step. */
export type CancelledRange = { stretches: readonly Stretch[]; end: FinishedState; at: number }

export type LiveJob = {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly kind: JobKind
  readonly queue: string
  readonly submittedAt: number
  readonly schedule: string | null
  readonly dueAt: number | null
  readonly array: ArrayRange | null
  shape: Shape
  priority: number
  startedAt: number | null
  finishedAt: number | null
  beginAt: number | null
  wanted: WantedFact
  /** Dependencies that are not met yet. */
  after: readonly Dependency[]
  maxRunning: number | null
  retry: number
  restart: JobSpec['restart']
  onPartition: JobSpec['onPartition']
  readonly exits: Exits | null
  restartOrder: RestartOrder | null
  untouched: IndexRanges
  /** Touched tasks that are not finished; null until the first is touched. */
  tasks: Map<number, Task> | null
  /** Tasks that hold a placement. */
  placed: number
  /** Finished tasks by outcome. */
  ended: Readonly<Record<Outcome, number>>
  /** The first of the worst ends among finished tasks: what the job's own cause will be. */
  worst: FinishedState | null
  cancelled: CancelledRange | null
  epochBase: number
  /** When the next reminder of it is due. */
  remindAt: number | null
  restarts: number
}

export const noneEnded: LiveJob['ended'] = { succeeded: 0, failed: 0, cancelled: 0 }

export function machineFacts(job: LiveJob): JobFacts {
  return {
    kind: job.kind,
    restart: job.restart,
    retry: job.retry,
    exits: job.exits,
    hold: job.wanted.what === 'hold',
    onPartition: job.onPartition,
    epochBase: job.epochBase,
  }
}

const severity: Readonly<Record<Outcome, number>> = { succeeded: 0, cancelled: 1, failed: 2 }

/** Counts ends of tasks; the first of the worst is the job's own. */
export function countEnds(job: LiveJob, end: FinishedState, count: number): void {
  job.ended = { ...job.ended, [end.outcome]: job.ended[end.outcome] + count }
  if (job.worst === null || severity[end.outcome] > severity[job.worst.outcome]) job.worst = end
}

export function untouchedOf(array: ArrayRange | null): IndexRanges {
  return array === null ? oneIndex : new IndexRanges([[array.from, array.to]], array.step)
}

const zeroCounts = Object.fromEntries(
  [...taskStates.filter((state) => state !== 'finished'), ...outcomes].map((key) => [key, 0]),
) as TaskCounts

export function countsOf(job: LiveJob): TaskCounts {
  const counts = { ...zeroCounts, ...job.ended }
  counts[job.wanted.what === 'hold' ? 'held' : 'pending'] += job.untouched.count
  if (job.tasks !== null) {
    for (const { state } of job.tasks.values()) if (state.is !== 'finished') counts[state.is] += 1
  }
  return counts
}

/** Tasks that wait, held ones too: all that live and hold no placement. */
export const waitingTasks = ({ untouched, tasks, placed }: LiveJob): number =>
  untouched.count + (tasks?.size ?? 0) - placed

export function isOver(job: LiveJob): boolean {
  return job.untouched.count === 0 && (job.tasks === null || job.tasks.size === 0)
}

/** The task as it is now; an untouched one as it would be at its first touch. Null where there is none. */
export function findTask(job: LiveJob, index: number): Task | null {
  const touched = job.tasks?.get(index)
  if (touched) return touched
  return job.untouched.has(index) ? freshTask(job, index) : null
}

export function freshTask(job: LiveJob, index: number): Task {
  const held = job.wanted.what === 'hold'
  return {
    job: job.id,
    index,
    state: held ? { is: 'held' } : { is: 'pending', notBefore: null },
    since: job.submittedAt,
    epoch: 0,
    lastRun: 0,
    lastEnded: 0,
    failures: 0,
    avoid: [],
    suspend: job.wanted.what === 'suspend',
  }
}
