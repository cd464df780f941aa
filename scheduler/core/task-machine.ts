/**
 * Owns every move of a task: (task, what happened, now) -> the task afterwards. Pure: the brain makes
 * changes, orders and timeline entries from what comes out.
 */
import type { Cause } from '../../proto/cause.ts'
import type { TaskStateName } from '../../proto/job.ts'
import type { Phase } from '../../proto/sync.ts'
import { afterEnd, type EndFacts } from './after-end.ts'
import {
  legalMoves,
  placementOf,
  stopOf,
  type StopPlan,
  type Task,
  type TaskState,
} from './task-state.ts'

/** What the machine must know of the task's job. */
export type JobFacts = Pick<EndFacts, 'kind' | 'restart' | 'retry' | 'exits' | 'hold'> & {
  onPartition: 'stop' | 'keep'
  /** Epochs up to here may have been given out by a database that was lost. */
  epochBase: number
}

export type TaskEvent =
  | { happened: 'placed'; node: string }
  | { happened: 'reported'; phase: Phase; version: number; lastRun: number }
  | { happened: 'held' }
  | { happened: 'released' }
  | { happened: 'stop-wanted'; stop: StopPlan }
  | { happened: 'suspend-wanted'; suspend: boolean }
  /** The node is silent: nothing is known for now. */
  | { happened: 'node-silent'; why: string }
  /** The node's lease is provably over: single-copy runs have ended themselves. */
  | { happened: 'lease-over'; node: string; delayMs: number }
  /** Nothing of the placement is left on the node, for certain. */
  | { happened: 'gone'; cause: Cause; delayMs: number }
  /** The node lives but has lost its record of the placement, and nothing of it runs. */
  | { happened: 'forgotten' }
  /** A node has it under an epoch that this database lost: what was known before is over. */
  | { happened: 'adopted'; node: string; epoch: number; firstRun: number }

export class IllegalMove extends Error {}

/** The task after the event. Events that do not apply in its state leave it as it is. */
export function moveTask(task: Task, job: JobFacts, event: TaskEvent, now: number): Task {
  const next = afterEvent(task, job, event, now)
  if (next.state === task.state || next.state.is === task.state.is) return next
  const from: TaskStateName = task.state.is
  if (!legalMoves[from].includes(next.state.is)) {
    throw new IllegalMove(
      `task ${task.job}.${task.index}: ${from} -> ${next.state.is} by ${event.happened}`,
    )
  }
  return { ...next, since: now }
}

function afterEvent(task: Task, job: JobFacts, event: TaskEvent, now: number): Task {
  switch (event.happened) {
    case 'placed':
      return placed(task, job, event.node, now)
    case 'reported':
      return reported(task, job, event, now)
    case 'held':
      return task.state.is === 'pending' ? { ...task, state: { is: 'held' } } : task
    case 'released':
      return task.state.is === 'held'
        ? { ...task, state: { is: 'pending', notBefore: null } }
        : task
    case 'stop-wanted':
      return stopWanted(task, event.stop)
    case 'suspend-wanted':
      return { ...task, suspend: event.suspend }
    case 'node-silent':
      return silent(task, event.why)
    case 'lease-over':
      return leaseOver(task, job, event, now)
    case 'gone':
      return placementOf(task.state) ? ended(task, job, event.cause, now, event.delayMs) : task
    case 'forgotten':
      return forgotten(task, job, now)
    case 'adopted':
      return adopted(task, job, event, now)
    default:
      return event satisfies never
  }
}

function placed(task: Task, job: JobFacts, node: string, now: number): Task {
  if (task.state.is !== 'pending')
    throw new IllegalMove(`task ${task.job}.${task.index} is not waiting`)
  const epoch = Math.max(task.epoch, job.epochBase) + 1
  const { onPartition } = job
  const firstRun = task.lastRun + 1
  const placement = { node, epoch, firstRun, onPartition, known: false, version: 0, at: now }
  return { ...task, epoch, state: { is: 'placed', placement } }
}

function reported(
  task: Task,
  job: JobFacts,
  event: Extract<TaskEvent, { happened: 'reported' }>,
  now: number,
): Task {
  const before = placementOf(task.state)
  if (before === null) return task
  const placement = { ...before, known: true, version: event.version }
  const seen = { ...task, lastRun: Math.max(task.lastRun, event.lastRun) }
  if (event.phase.kind === 'ended') return ended(seen, job, event.phase.cause, now)
  const stop = stopOf(task.state)
  if (stop !== null) {
    const stuck = event.phase.kind === 'stopping' ? event.phase.stuck : []
    return { ...seen, state: { is: 'stopping', placement, stop, stuck } }
  }
  // A bot that runs in health has proven that its node is not the trouble; a one-off's retries stay counted.
  const isProven =
    job.kind === 'continuous' && event.phase.kind === 'running' && event.phase.healthy
  const cleared = isProven ? { failures: 0, avoid: [] } : {}
  return { ...seen, ...cleared, state: stateOfPhase(event.phase, placement, task.state) }
}

function stateOfPhase(
  phase: Exclude<Phase, { kind: 'ended' }>,
  placement: NonNullable<ReturnType<typeof placementOf>>,
  before: TaskState,
): TaskState {
  switch (phase.kind) {
    case 'accepted':
      return { is: 'placed', placement }
    case 'running':
      return { is: 'running', placement, run: phase.run, healthy: phase.healthy }
    case 'backoff':
      return {
        is: 'backoff',
        placement,
        until: phase.until,
        failures: phase.failures,
        crashLoop: phase.crashLoop,
      }
    case 'suspended':
      return { is: 'suspended', placement, run: phase.run }
    case 'stopping':
      // The agent ends it on its own (lease, restart): what follows is said by its next phase.
      return before.is === 'unreachable' || !('placement' in before)
        ? { is: 'placed', placement }
        : { ...before, placement }
    default:
      return phase satisfies never
  }
}

function ended(task: Task, job: JobFacts, cause: Cause, now: number, delayMs = 0): Task {
  const verdict = afterEnd({
    ...job,
    failures: task.failures,
    stop: stopOf(task.state),
    cause,
    now,
    delayMs,
  })
  const node = placementOf(task.state)?.node
  const avoid =
    verdict.avoidNode && node
      ? [...task.avoid.filter((name) => name !== node), node].slice(-3)
      : task.avoid
  return {
    ...task,
    state: verdict.state,
    avoid,
    failures: task.failures + (verdict.usesRetry ? 1 : 0),
  }
}

function stopWanted(task: Task, stop: StopPlan): Task {
  const { state } = task
  switch (state.is) {
    case 'held':
    case 'pending':
      if (stop.then === 'requeue') return task
      return {
        ...task,
        state: {
          is: 'finished',
          outcome: stop.cause.kind === 'cancelled' ? 'cancelled' : 'failed',
          cause: stop.cause,
        },
      }
    case 'finished':
      return task
    case 'unreachable':
      return { ...task, state: { ...state, stop: stronger(state.stop, stop) } }
    case 'stopping':
      return { ...task, state: { ...state, stop: stronger(state.stop, stop) } }
    case 'placed':
    case 'running':
    case 'backoff':
    case 'suspended':
      return { ...task, state: { is: 'stopping', placement: state.placement, stop, stuck: [] } }
    default:
      return state satisfies never
  }
}

/** A stop for good outweighs a move; a shorter grace wins. */
function stronger(before: StopPlan | null, wanted: StopPlan): StopPlan {
  if (before === null) return wanted
  const kept = before.then === 'finish' && wanted.then === 'requeue' ? before : wanted
  const graces = [before.graceMs, wanted.graceMs].filter((grace) => grace !== null)
  return { ...kept, graceMs: graces.length > 0 ? Math.min(...graces) : null }
}

function silent(task: Task, why: string): Task {
  const placement = placementOf(task.state)
  if (placement === null || task.state.is === 'unreachable') return task
  return { ...task, state: { is: 'unreachable', placement, stop: stopOf(task.state), why } }
}

/** With `stop` everything of it has ended by now and it may run elsewhere; with `keep` it may still run. */
function leaseOver(
  task: Task,
  job: JobFacts,
  { node, delayMs }: Extract<TaskEvent, { happened: 'lease-over' }>,
  now: number,
): Task {
  if (placementOf(task.state)?.onPartition === 'keep')
    return silent(task, `node ${node} is cut off; the job runs on there if it can`)
  return placementOf(task.state) ? ended(task, job, leaseLoss(node), now, delayMs) : task
}

const leaseLoss = (node: string): Cause => ({
  kind: 'node-lost',
  node,
  why: `node ${node} did not report until its lease was over`,
})

const recordLoss = (node: string): Cause => ({
  kind: 'outcome-unknown',
  detail: `node ${node} has lost its record of the run`,
})

/** Why a placement is over of whose end no run tells. */
export function lossOf(task: Task, event: TaskEvent): Cause | null {
  const placement = placementOf(task.state)
  if (placement === null) return null
  if (event.happened === 'gone') return event.cause
  if (event.happened === 'lease-over') return leaseLoss(event.node)
  return event.happened === 'forgotten' ? recordLoss(placement.node) : null
}

function forgotten(task: Task, job: JobFacts, now: number): Task {
  const placement = placementOf(task.state)
  if (placement === null) return task
  const stop = stopOf(task.state)
  // Its order may still be under way to the node, and is said again: what the node says of it then counts.
  if (stop && !placement.known)
    return { ...task, state: { is: 'stopping', placement, stop, stuck: [] } }
  if (stop) return ended(task, job, stop.cause, now)
  // What it had begun is over, and nobody can say how: the same placement must not begin it a second time.
  if (task.lastRun >= placement.firstRun) return ended(task, job, recordLoss(placement.node), now)
  return { ...task, state: { is: 'placed', placement: { ...placement, known: false } } }
}

function adopted(
  task: Task,
  { onPartition }: JobFacts,
  { node, epoch, firstRun }: Extract<TaskEvent, { happened: 'adopted' }>,
  now: number,
): Task {
  if (task.state.is === 'finished' || epoch <= task.epoch) return task
  const placement = { node, epoch, firstRun, onPartition, known: false, version: 0, at: now }
  const stop = stopOf(task.state)
  const state: TaskState = stop
    ? { is: 'stopping', placement, stop, stuck: [] }
    : { is: 'placed', placement }
  return { ...task, epoch, state }
}
