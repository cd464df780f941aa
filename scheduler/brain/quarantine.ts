/** Nodes on which jobs of several owners die at once: closed, then tried with one task. */
import { judge, withCanary } from '../core/breaker.ts'
import { placeCanary } from '../core/placement/place.ts'
import { closedBecause } from '../state/live-node.ts'
import { carryOut } from './carry-out.ts'
import { note, type BrainContext } from './context.ts'
import { offerNode } from './node-offer.ts'

export function watchBreakers(ctx: BrainContext): void {
  for (const node of ctx.state.nodes.values()) {
    if (
      node.breaker.ends.length === 0 &&
      node.breaker.quarantine === null &&
      node.quarantine === null
    )
      continue
    const verdict = judge(node.breaker, ctx.clock.now())
    node.breaker = verdict.history
    if (verdict.reason === node.quarantine) continue
    const wasClosed = node.quarantine !== null
    node.quarantine = verdict.reason
    offerNode(ctx, node)
    if (wasClosed !== (verdict.reason !== null)) {
      const detail = verdict.reason ?? 'its canary did well: it takes work again'
      note(ctx, verdict.reason === null ? 'node-trusted' : 'node-quarantined', detail, {
        node: node.name,
      })
    }
  }
}

/** Each node whose pause is over gets one task. All else that fits elsewhere has been placed before. */
export function tryCanaries(ctx: BrainContext): void {
  const { waiting, capacity, shares, nodes } = ctx.state
  for (const node of nodes.values()) {
    if (node.quarantine === null || judge(node.breaker, ctx.clock.now()).state !== 'canary')
      continue
    // Closed for any other reason, it is not tried.
    if (closedBecause({ ...node, quarantine: null }) !== null) continue
    const placed = placeCanary(waiting, capacity, shares, node.name)
    if (placed === null) continue
    const task = carryOut(ctx, placed)
    node.breaker = withCanary(node.breaker, task, ctx.clock.now())
    note(ctx, 'canary', `task ${task} is tried on ${node.name}`, { node: node.name })
  }
}
