/** What becomes of a task whose placement is over: finished, or waiting again, and why. */
import type { Cause } from '../../proto/cause.ts'
import type { Exits, JobKind } from '../../proto/job.ts'
import type { StopPlan, TaskState } from './task-state.ts'

export type EndFacts = {
  kind: JobKind
  restart: 'always' | 'on-failure'
  /** Failed runs so far, and how many more runs the owner allows. */
  failures: number
  retry: number
  /** Exit codes of a one-off that mean: again, or not before it is released. */
  exits: Exits | null
  hold: boolean
  stop: StopPlan | null
  cause: Cause
  now: number
  /** Work of lost nodes is placed again in turns, not all at once. */
  delayMs: number
}

export type EndVerdict = {
  state: Extract<TaskState, { is: 'finished' | 'pending' | 'held' }>
  usesRetry: boolean
  /** The node should not be the first choice for the next placement. */
  avoidNode: boolean
}

/** Between a failed run and the next try on another node; doubles with each failure. */
export const retryDelayMs = { first: 5_000, longest: 300_000 }

export function afterEnd(facts: EndFacts): EndVerdict {
  const { cause, stop, kind } = facts
  if (stop?.then === 'finish' || cause.kind === 'cancelled') return finish(facts)
  if (stop?.then === 'requeue' && !endedByItself(cause)) return again(facts, facts.delayMs, true)
  if (causedByGrid(cause))
    return kind === 'continuous' || facts.exits?.lost === true
      ? again(facts, facts.delayMs, true)
      : retryOrFail(facts, false)
  if (kind === 'task') {
    const code = cause.kind === 'exit' ? cause.code : null
    if (code !== null && code === facts.exits?.again)
      return again(facts, retryDelay(facts.failures), true, true)
    if (code !== null && code === facts.exits?.hold)
      return { state: { is: 'held' }, usesRetry: false, avoidNode: false }
    return cause.kind === 'exit' && cause.code === 0 ? succeeded(cause) : retryOrFail(facts, true)
  }
  if (facts.restart === 'on-failure' && cause.kind === 'exit' && cause.code === 0)
    return succeeded(cause)
  return again(facts, retryDelay(facts.failures), true, true)
}

const succeeded = (cause: Cause): EndVerdict => ({
  state: { is: 'finished', outcome: 'succeeded', cause },
  usesRetry: false,
  avoidNode: false,
})

/** A stop that came too late for a task that had just ended leaves the task its own end. */
function finish({ cause, stop, kind }: EndFacts): EndVerdict {
  if (kind === 'task' && cause.kind === 'exit') {
    const outcome = cause.code === 0 ? 'succeeded' : stop ? 'cancelled' : 'failed'
    return { state: { is: 'finished', outcome, cause }, usesRetry: false, avoidNode: false }
  }
  const why = stop?.cause ?? cause
  const outcome = why.kind === 'cancelled' ? 'cancelled' : 'failed'
  return { state: { is: 'finished', outcome, cause: why }, usesRetry: false, avoidNode: false }
}

function endedByItself(cause: Cause): boolean {
  return cause.kind === 'exit' || cause.kind === 'signal' || cause.kind === 'out-of-memory'
}

/** Ends that say nothing about the job itself. */
function causedByGrid(cause: Cause): boolean {
  return cause.kind === 'drained' || cause.kind === 'node-lost' || cause.kind === 'lease-expired'
}

function again(
  facts: EndFacts,
  delayMs: number,
  avoidNode: boolean,
  usesRetry = false,
): EndVerdict {
  const notBefore = delayMs > 0 ? facts.now + delayMs : null
  const state: EndVerdict['state'] = facts.hold ? { is: 'held' } : { is: 'pending', notBefore }
  return { state, usesRetry, avoidNode }
}

/** A one-off that a drain ended waits for another place; one that its node took down needs a retry to spare. */
function retryOrFail(facts: EndFacts, usesRetry: boolean): EndVerdict {
  if (facts.cause.kind === 'drained') return again(facts, 0, true)
  if (facts.failures < facts.retry) {
    return again(facts, usesRetry ? retryDelay(facts.failures) : facts.delayMs, true, usesRetry)
  }
  return {
    state: { is: 'finished', outcome: 'failed', cause: facts.cause },
    usesRetry,
    avoidNode: false,
  }
}

const retryDelay = (failures: number): number =>
  Math.min(retryDelayMs.first * 2 ** Math.min(failures, 10), retryDelayMs.longest)
