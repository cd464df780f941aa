/** Nodes on which jobs of several owners die at once: closed, then tried with one task. */
import { judge, withCanary, type BreakerHistory } from '../core/breaker.ts'
import { placeCanary } from '../core/placement/place.ts'
import { closedBecause, type LiveNode } from '../state/live-node.ts'
import { carryOut } from './carry-out.ts'
import { note, type BrainContext } from './context.ts'
import { offerNode } from './node-offer.ts'
import { boundsOf } from './quota.ts'

export function watchBreakers(ctx: BrainContext): void {
  for (const node of ctx.state.nodes.values()) {
    if (
      node.breaker.ends.length === 0 &&
      node.breaker.quarantine === null &&
      node.quarantine === null
    )
      continue
    watch(ctx, node)
  }
}

function watch(ctx: BrainContext, node: LiveNode): void {
  const { reason, history } = judge(node.breaker, ctx.clock.now(), ctx.settings.breaker)
  keepHistory(ctx, node, history)
  if (reason === node.quarantine) return
  const wasClosed = node.quarantine !== null
  node.quarantine = reason
  ctx.journal.node(node)
  offerNode(ctx, node)
  if (wasClosed === (reason !== null)) return
  const detail = reason ?? 'its canary did well: it takes work again'
  note(ctx, reason === null ? 'node-trusted' : 'node-quarantined', detail, { node: node.name })
}

/** What the breaker knows of a node now. A quarantine outlives us, so it is stored. */
export function keepHistory(ctx: BrainContext, node: LiveNode, history: BreakerHistory): void {
  const isStored = history.quarantine === node.breaker.quarantine
  node.breaker = history
  if (!isStored) ctx.journal.node(node)
}

/** Each node whose pause is over gets one task. All else that fits elsewhere has been placed before. */
export function tryCanaries(ctx: BrainContext): void {
  const { waiting, capacity, shares, nodes } = ctx.state
  for (const node of nodes.values()) {
    if (node.quarantine === null) continue
    const now = ctx.clock.now()
    if (judge(node.breaker, now, ctx.settings.breaker).state !== 'canary') continue
    // Closed for any other reason, it is not tried.
    if (closedBecause({ ...node, quarantine: null }) !== null) continue
    const placed = placeCanary(waiting, capacity, shares, node.name, boundsOf(ctx))
    if (placed === null) continue
    const task = carryOut(ctx, placed)
    keepHistory(ctx, node, withCanary(node.breaker, task, now))
    watch(ctx, node)
    note(ctx, 'canary', `task ${task} is tried on ${node.name}`, { node: node.name })
  }
}
