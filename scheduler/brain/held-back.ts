/**
 * After a restore: work that this database knows as waiting may run on a node, placed there by the database that was
 * lost. It waits until every node has said what it runs, and until the lease of one that is not known here is over.
 */
import { placementOf, stopOf, type Task } from '../core/task-state.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { refreshWaiting } from './tasks.ts'

export function holdBack(ctx: BrainContext): void {
  const { state, journal } = ctx
  state.isRestored = true
  state.lostGrantMs = longestGrant(state.nodes.values())
  journal.change({ put: 'meta', key: 'isRestored', value: 'true' })
  journal.change({ put: 'meta', key: 'lostGrantMs', value: String(state.lostGrantMs) })
  for (const job of state.jobs.values()) refreshWaiting(ctx, job)
}

/** One that joined later has been granted as much, and the settings may have been changed since. */
function longestGrant(nodes: Iterable<LiveNode>): number {
  let longest = 0
  for (const { outstanding } of nodes)
    if (outstanding.kind === 'until') longest = Math.max(longest, outstanding.endMs)
  return longest
}

/** Nodes that have not spoken since, or not yet with our orders in hand. */
const unheard = ({ state }: BrainContext): string[] =>
  [...state.nodes.values()]
    .filter(
      (node) =>
        node.spokeTo === null || (node.state === 'up' && node.ordersFrom !== state.incarnation),
    )
    .map(({ name }) => name)

/**
 * The lost database may have given the task to another node, which has yet to say so: were the end of this placement
 * taken before, it would end the task, and the newer placement be stopped as one that is over.
 */
export function mayBePlacedAnew({ state }: BrainContext, job: LiveJob, task: Task): boolean {
  const placement = placementOf(task.state)
  if (placement === null || placement.known || placement.epoch > job.epochBase) return false
  return state.isHeldBack(job) && stopOf(task.state)?.then !== 'finish'
}

/** Until when, and what an operator can do about it. */
export function untilKnown(ctx: BrainContext): { until: string; wayOut: string | null } {
  const nodes = unheard(ctx)
  return nodes.length > 0
    ? { until: `until ${nodes.join(', ')} reports`, wayOut: `eg node lost --confirmed ${nodes[0]}` }
    : { until: 'for the length of a lease', wayOut: null }
}

/** `judgingSince`: uptime from which on silence counts; null while it does not. */
export function letGo(ctx: BrainContext, judgingSince: number | null): void {
  const { state, settings, clock, journal } = ctx
  if (!state.isRestored || judgingSince === null) return
  const longestMs = Math.max(settings.lease.terms.endMs, state.lostGrantMs)
  const isOver = clock.uptime() - judgingSince > longestMs
  if (!isOver || unheard(ctx).length > 0) return
  state.isRestored = false
  journal.change({ put: 'meta', key: 'isRestored', value: '' })
  note(ctx, 'restored-known', 'every node has said what it runs: all work may start again', {})
  for (const job of state.jobs.values()) refreshWaiting(ctx, job)
}
