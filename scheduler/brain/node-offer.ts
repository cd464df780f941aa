/** What placement may use of a node now. */
import { ownLabels, queueLabel } from '../core/placement/shape.ts'
import { takesNode } from '../core/queue.ts'
import { closedBecause, type LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'

/** Labels of a node that jobs and queues may ask for. */
export const labelsOf = ({ name, facts }: LiveNode): Record<string, string> => ({
  ...ownLabels(facts?.labels ?? {}),
  node: name,
})

/** Tells placement what the node offers now. */
export function offerNode(ctx: BrainContext, node: LiveNode): void {
  if (node.facts === null) return
  const { slots, memBytes } = node.facts
  const labels = labelsOf(node)
  const queues = [...ctx.state.queues.values()].filter((queue) => takesNode(queue, labels))
  const marks = Object.fromEntries(queues.map(({ name }) => [queueLabel(name), 'yes']))
  ctx.state.capacity.setNode({
    name: node.name,
    slots,
    memBytes,
    labels: { ...labels, ...marks },
    closed: closedBecause(node),
  })
  ctx.wake()
}
