/** Nodes: what placement may use of them, and what operators do with them. */
import type { NodeView } from '../../proto/node.ts'
import { causeText } from '../../proto/words.ts'
import { noHistory } from '../core/breaker.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { LiveNode } from '../state/live-node.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { endDrain } from './drains.ts'
import { loseTasks } from './lost-tasks.ts'
import { auditNode, cordonsOf, drainOf } from './node-audit.ts'
import { dropKey } from './node-identity.ts'
import { offerNode } from './node-offer.ts'
import { nodeView } from './node-view.ts'
import { dropNodeTotals } from './resources.ts'
import { forgetUnsaid } from './unknown-runs.ts'

export function findNode(ctx: BrainContext, name: string): Result<LiveNode> {
  const node = ctx.state.nodes.get(name)
  return node
    ? done(node)
    : refuse('not-found', `there is no node "${name}"`, 'list them with `eg nodes`')
}

/** Said again without a reason it changes nothing: the reason that was given stands. */
export function cordon(
  ctx: BrainContext,
  caller: Caller,
  node: LiveNode,
  reason: string,
): Result<NodeView> {
  if (reason === '' && node.operatorCordon) return done(nodeView(ctx, node))
  auditNode(ctx, caller, 'cordon', node, cordonsOf(node), { cordoned: 'by an operator', reason })
  node.operatorCordon = { by: caller.owner, reason, at: ctx.clock.now() }
  return changed(
    ctx,
    caller,
    node,
    'node-cordoned',
    `cordoned${reason === '' ? '' : `: ${reason}`}`,
  )
}

export function uncordon(ctx: BrainContext, caller: Caller, node: LiveNode): Result<NodeView> {
  if (!node.operatorCordon && !node.twinCordon && !node.healthCordon && node.quarantine === null) {
    const hint = node.drain ? `it is being drained: \`eg node undrain ${node.name}\`` : undefined
    return refuse('wrong-state', `${node.name} is not cordoned`, hint)
  }
  auditNode(ctx, caller, 'uncordon', node, cordonsOf(node), { cordoned: null })
  node.operatorCordon = null
  node.twinCordon = null
  node.healthCordon = null
  node.quarantine = null
  node.breaker = noHistory
  return changed(ctx, caller, node, 'node-uncordoned', 'uncordoned')
}

export function undrain(ctx: BrainContext, caller: Caller, node: LiveNode): Result<NodeView> {
  if (node.drain === null) return refuse('wrong-state', `${node.name} is not being drained`)
  auditNode(ctx, caller, 'undrain', node, drainOf(node), { drain: null })
  endDrain(ctx, node)
  return changed(ctx, caller, node, 'node-undrained', 'drain ended')
}

/** An operator's word that nothing runs there any more: what was on it may start elsewhere. */
export function confirmLost(
  ctx: BrainContext,
  caller: Caller,
  node: LiveNode,
  reason: string,
): Result<NodeView> {
  if (node.state === 'up') {
    return refuse(
      'wrong-state',
      `${node.name} reports: it is not lost`,
      `to move its work off use \`eg node drain ${node.name}\``,
    )
  }
  const before = { state: node.state, tasks: node.tasks.size }
  auditNode(ctx, caller, 'lost', node, before, { state: 'lost', reason })
  node.state = 'lost'
  // From now on it is judged as any other: what a lost database had placed there is gone too.
  node.spokeTo = ctx.settings.place
  note(ctx, 'node-lost', `loss confirmed by ${caller.owner}${reason === '' ? '' : `: ${reason}`}`, {
    node: node.name,
    by: caller.owner,
  })
  const cause = {
    kind: 'node-lost',
    node: node.name,
    why: `${caller.owner} confirmed that ${node.name} is lost`,
  } as const
  loseTasks(ctx, node, (delayMs) => ({ happened: 'gone', cause, delayMs }))
  // A stop of what this database does not know stands, should the machine come back after all.
  forgetUnsaid(ctx, node, [])
  node.oddities = []
  ctx.log.warn({ event: 'node-lost', node: node.name, detail: causeText(cause) })
  offerNode(ctx, node)
  ctx.journal.node(node)
  return done(nodeView(ctx, node))
}

export function removeNode(
  ctx: BrainContext,
  caller: Caller,
  node: LiveNode,
): Result<Record<string, never>> {
  if (node.tasks.size > 0) {
    const hint =
      node.state === 'up'
        ? `drain it first: \`eg node drain ${node.name}\``
        : `confirm its loss first: \`eg node lost --confirmed ${node.name}\``
    return refuse('wrong-state', `${node.tasks.size} tasks hold a place on ${node.name}`, hint)
  }
  if (node.state === 'up') {
    return refuse('wrong-state', `${node.name} still reports`, 'end its exec-node first')
  }
  const unsettled = unsettledOn(ctx, node)
  if (unsettled !== null && node.state !== 'lost') {
    const hint = `if its machine is gone: \`eg node lost --confirmed ${node.name}\``
    return refuse('wrong-state', `${node.name} ${unsettled}`, hint)
  }
  auditNode(ctx, caller, 'remove', node, { state: node.state }, null)
  forgetUnsaid(ctx, node, [])
  ctx.state.nodes.delete(node.name)
  ctx.state.foreign.delete(node.name)
  ctx.state.capacity.removeNode(node.name)
  ctx.journal.removeNode(node)
  dropKey(ctx, node.name)
  dropNodeTotals(ctx, caller, node.name)
  note(ctx, 'node-removed', `${node.name} removed`, { node: node.name, by: caller.owner })
  return done({})
}

/** What a restored database must not forget of a node while nobody says that its machine is gone. */
function unsettledOn({ state }: BrainContext, node: LiveNode): string | null {
  if (node.unwanted.length > 0)
    return `has not heard yet that ${node.unwanted.length} unknown runs were stopped`
  // All that waits is held back until it has: work of the lost database may run there.
  return state.isRestored && node.spokeTo === null
    ? 'has not said yet what it runs since an older database was restored'
    : null
}

function changed(
  ctx: BrainContext,
  caller: Caller,
  node: LiveNode,
  what: string,
  detail: string,
): Result<NodeView> {
  ctx.journal.node(node)
  offerNode(ctx, node)
  note(ctx, what, detail, { node: node.name, by: caller.owner })
  return done(nodeView(ctx, node))
}
