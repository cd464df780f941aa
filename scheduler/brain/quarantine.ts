/** Nodes on which jobs of several owners die at once: closed, then tried with one task. */
import { judge, withCanary } from '../core/breaker.ts'
import type { LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { offerNode } from './nodes.ts'

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

/** Opens each node whose pause is over for one placement. All else that fits elsewhere has been placed before. */
export function tryCanaries(ctx: BrainContext, placeOne: () => number): void {
  for (const node of ctx.state.nodes.values()) {
    if (node.quarantine === null || judge(node.breaker, ctx.clock.now()).state !== 'canary')
      continue
    const before = new Set(node.tasks)
    const reason = node.quarantine
    node.quarantine = null
    offerNode(ctx, node)
    placeOne()
    const canary = [...node.tasks].find((key) => !before.has(key))
    if (canary !== undefined) tried(ctx, node, canary)
    node.quarantine = reason
    offerNode(ctx, node)
  }
}

function tried(ctx: BrainContext, node: LiveNode, task: string): void {
  node.breaker = withCanary(node.breaker, task, ctx.clock.now())
  note(ctx, 'canary', `task ${task} is tried on ${node.name}`, { node: node.name })
}
