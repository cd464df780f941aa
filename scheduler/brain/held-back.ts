/**
 * After a restore: work that this database knows as waiting may run on a node, placed there by the database that was
 * lost. It waits until every node has said what it runs, and until the lease of one that is not known here is over.
 */
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
export const unheard = ({ state }: BrainContext): string[] =>
  [...state.nodes.values()]
    .filter(
      (node) =>
        node.spokeTo === null || (node.state === 'up' && node.ordersFrom !== state.incarnation),
    )
    .map(({ name }) => name)

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
