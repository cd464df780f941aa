/** What a node's probes do to it: a failing one cordons, a critical one drains; recovery undoes only that. */
import type { ProbeReport } from '../../proto/node.ts'
import type { LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { beginDrain, endDrain } from './drains.ts'
import { offerNode } from './node-offer.ts'

export function takeHealth(
  ctx: BrainContext,
  node: LiveNode,
  health: readonly ProbeReport[],
): void {
  // An agent that has just started has read nothing yet: that is no recovery.
  if (health.length === 0) return
  const changed = verdictsOf(health) !== verdictsOf(node.health)
  node.health = [...health]
  if (!changed) return
  ctx.journal.node(node)
  const bad = health.filter(({ verdict }) => verdict === 'failing' || verdict === 'critical')
  const critical = bad.filter(({ verdict }) => verdict === 'critical')
  const reason = bad.map(({ probe, value }) => `${probe} ${value}`).join(', ')
  if (bad.length > 0) note(ctx, 'node-unhealthy', reason, { node: node.name })
  setCordon(ctx, node, bad.length > 0 ? reason : null)
  if (critical.length > 0 && node.drain === null) {
    node.healthDrain = true
    beginDrain(ctx, node, { by: 'health', reason, deadlineMs: null, then: 'wait', atOnce: 4 })
  } else if (critical.length === 0 && node.healthDrain) {
    endDrain(ctx, node)
    note(ctx, 'node-undrained', 'its probes have recovered', { node: node.name })
  }
  offerNode(ctx, node)
}

function setCordon(ctx: BrainContext, node: LiveNode, reason: string | null): void {
  if (reason === null && node.healthCordon)
    note(ctx, 'node-uncordoned', 'its probes have recovered', { node: node.name })
  node.healthCordon =
    reason === null ? null : { by: 'health', reason, at: node.healthCordon?.at ?? ctx.clock.now() }
}

const verdictsOf = (health: readonly ProbeReport[]): string =>
  health.map(({ probe, verdict }) => `${probe}=${verdict}`).join()
