/** The states of a task as the scheduler sees them, each with the data that only it has. */
import type { Cause } from '../../proto/cause.ts'
import type { Outcome, TaskStateName } from '../../proto/job.ts'

/** A task given to a node. Reports count only for its epoch. */
export type Placement = {
  node: string
  epoch: number
  /** Number of the first run of this placement. */
  firstRun: number
  /** What its job said when it was placed: an edit reaches no node that is cut off. */
  onPartition: 'stop' | 'keep'
  /** True once the node has said that it knows this placement. */
  known: boolean
  /** Version of the agent's record that was last taken in. */
  version: number
  /** When it was given; not known of those that an older version gave. */
  at?: number
}

/** What a stop is for: `finish` ends the task, `requeue` makes it wait for another place. */
export type StopPlan = { cause: Cause; graceMs: number | null; then: 'finish' | 'requeue' }

export type TaskState =
  | { is: 'held' }
  | { is: 'pending'; notBefore: number | null }
  | { is: 'placed'; placement: Placement }
  | { is: 'running'; placement: Placement; run: number; healthy: boolean }
  | { is: 'backoff'; placement: Placement; until: number; failures: number; crashLoop: boolean }
  | { is: 'suspended'; placement: Placement; run: number }
  | { is: 'stopping'; placement: Placement; stop: StopPlan; stuck: readonly Stuck[] }
  | { is: 'unreachable'; placement: Placement; stop: StopPlan | null; why: string }
  | { is: 'finished'; outcome: Outcome; cause: Cause | null }

export type Stuck = { pid: number; state: string; waitChannel: string }

/** What scheduling remembers of a touched task between its states. */
export type Task = {
  readonly job: number
  readonly index: number
  state: TaskState
  since: number
  /** Epoch of the newest placement; rises with each. */
  epoch: number
  /** Number of the newest run that is known, 0 before the first. */
  lastRun: number
  /** Number of the newest run whose end is known. */
  lastEnded: number
  /** Failed runs that used up a retry. */
  failures: number
  /** Nodes on which it just failed, newest last. */
  avoid: readonly string[]
  suspend: boolean
}

/**
 * Every legal move. `placed` may come again from any state that holds a placement: the scheduler may
 * learn that a node has forgotten it. docs/job-lifecycle.md is generated from this table.
 */
export const legalMoves: Readonly<Record<TaskStateName, readonly TaskStateName[]>> = {
  // A held task is placed only where a node has it from a database that was lost.
  held: ['pending', 'placed', 'finished'],
  pending: ['held', 'placed', 'finished'],
  placed: [
    'running',
    'backoff',
    'suspended',
    'stopping',
    'unreachable',
    'pending',
    'held',
    'finished',
  ],
  running: [
    'placed',
    'backoff',
    'suspended',
    'stopping',
    'unreachable',
    'pending',
    'held',
    'finished',
  ],
  backoff: [
    'placed',
    'running',
    'suspended',
    'stopping',
    'unreachable',
    'pending',
    'held',
    'finished',
  ],
  suspended: [
    'placed',
    'running',
    'backoff',
    'stopping',
    'unreachable',
    'pending',
    'held',
    'finished',
  ],
  stopping: ['unreachable', 'pending', 'held', 'finished'],
  unreachable: [
    'placed',
    'running',
    'backoff',
    'suspended',
    'stopping',
    'pending',
    'held',
    'finished',
  ],
  finished: [],
}

export function placementOf(state: TaskState): Placement | null {
  return 'placement' in state ? state.placement : null
}

/** The stop that is under way or still owed to the node, if any. */
export function stopOf(state: TaskState): StopPlan | null {
  return state.is === 'stopping' || state.is === 'unreachable' ? state.stop : null
}
