/** What placement may use of a node now. */
import { closedBecause, type LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'

/** Tells placement what the node offers now. */
export function offerNode(ctx: BrainContext, node: LiveNode): void {
  if (node.facts === null) return
  const { slots, memBytes, labels } = node.facts
  ctx.state.capacity.setNode({
    name: node.name,
    slots,
    memBytes,
    labels: { ...labels, node: node.name },
    closed: closedBecause(node),
  })
  ctx.wake()
}
