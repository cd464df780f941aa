/** The timeline of decisions: each move of a task in a sentence that a person can read. */
import type { Cause } from '../../proto/cause.ts'
import { iso } from '../../proto/ids.ts'
import { causeText } from '../../proto/words.ts'
import type { Task, TaskState } from '../core/task-state.ts'
import type { LiveJob } from '../state/live-job.ts'
import { note, type BrainContext } from './context.ts'

/** `loss`: why its placement is over, where no run told its end. */
export function noteMove(
  ctx: BrainContext,
  job: LiveJob,
  before: Task,
  next: Task,
  loss: Cause | null,
): void {
  const entry = entryOf(before, next, loss)
  if (entry === null) return
  const node =
    'placement' in next.state
      ? next.state.placement.node
      : 'placement' in before.state
        ? before.state.placement.node
        : null
  note(ctx, entry.what, entry.detail, { job: job.id, task: next.index, owner: job.owner, node })
}

function entryOf(
  before: Task,
  next: Task,
  loss: Cause | null,
): { what: string; detail: string } | null {
  const { state } = next
  if (state.is === before.state.is) return sameState(before.state, state)
  switch (state.is) {
    case 'held':
      return { what: 'held', detail: 'held' }
    case 'pending':
      return pendingEntry(before.state, state, loss)
    case 'placed':
      return before.state.is === 'pending'
        ? { what: 'placed', detail: `placed on ${state.placement.node}` }
        : null
    case 'running':
      return runningEntry(before.state, state)
    case 'backoff':
      return crashEntry(state)
    case 'suspended':
      return { what: 'suspended', detail: `suspended on ${state.placement.node}` }
    case 'stopping':
      return {
        what: 'stopping',
        detail: `${state.stop.then === 'finish' ? 'stopping' : 'moving'}: ${causeText(state.stop.cause)}`,
      }
    case 'unreachable':
      return { what: 'unreachable', detail: state.why }
    case 'finished':
      return {
        what: 'task-finished',
        detail:
          state.cause === null ? state.outcome : `${state.outcome}: ${causeText(state.cause)}`,
      }
    default:
      return state satisfies never
  }
}

function sameState(before: TaskState, state: TaskState): { what: string; detail: string } | null {
  // One report may tell of a run's start and of its end.
  if (before.is === 'backoff' && state.is === 'backoff' && state.failures > before.failures)
    return crashEntry(state)
  return null
}

function pendingEntry(
  before: TaskState,
  state: Extract<TaskState, { is: 'pending' }>,
  loss: Cause | null,
): { what: string; detail: string } {
  if (before.is === 'held') return { what: 'released', detail: 'released' }
  const when =
    state.notBefore === null
      ? 'for a place'
      : `until ${iso(state.notBefore)} before it is tried again`
  const why = loss === null ? '' : `: ${causeText(loss)}`
  return { what: 'requeued', detail: `waits ${when}${why}` }
}

function runningEntry(
  before: TaskState,
  state: Extract<TaskState, { is: 'running' }>,
): { what: string; detail: string } | null {
  if (before.is === 'unreachable')
    return {
      what: 'reachable',
      detail: `${state.placement.node} speaks again; run ${state.run} kept running`,
    }
  return before.is === 'suspended'
    ? { what: 'resumed', detail: `resumed on ${state.placement.node}` }
    : null
}

function crashEntry(state: Extract<TaskState, { is: 'backoff' }>): {
  what: string
  detail: string
} {
  const next = `next run at ${iso(state.until)}`
  if (!state.crashLoop) return { what: 'backoff', detail: next }
  return { what: 'crash-loop', detail: `crash loop: ${state.failures} ends in a row; ${next}` }
}
