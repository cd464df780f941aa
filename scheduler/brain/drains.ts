/** Carrying out drains: a plan in the store, advanced by the tick, that survives our restart. */
import type { Cause } from '../../proto/cause.ts'
import { iso } from '../../proto/ids.ts'
import type { DrainEnd, DrainRequest, DrainView } from '../../proto/node.ts'
import { done, type Result } from '../core/result.ts'
import { placementOf } from '../core/task-state.ts'
import type { Drain, LiveNode } from '../state/live-node.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { drainView, planFor } from './drain-view.ts'
import { auditNode, drainOf } from './node-audit.ts'
import { offerNode } from './node-offer.ts'
import { tryHappen } from './tasks.ts'

export type DrainWish = {
  by: string
  reason: string
  deadlineMs: number | null
  then: DrainEnd
  atOnce: number
}

const defaultAtOnce = 4

export function drainNode(
  ctx: BrainContext,
  caller: Caller,
  node: LiveNode,
  request: DrainRequest,
): Result<DrainView> {
  const wish = wishOf(ctx, caller, node, request)
  if (request.dryRun === true) return done(dryRun(ctx, node, wish))
  node.healthDrain = false
  const before = drainOf(node)
  beginDrain(ctx, node, wish)
  auditNode(ctx, caller, 'drain', node, before, drainOf(node))
  const view = drainView(ctx, node)
  if (view === null) throw new Error(`${node.name} has no drain after it began`)
  return done(view)
}

/** Who says a drain again, perhaps only to watch it, changes what is said and nothing else. */
function wishOf(
  ctx: BrainContext,
  caller: Caller,
  node: LiveNode,
  request: DrainRequest,
): DrainWish {
  const before = node.healthDrain ? null : node.drain
  const deadlineAt = before?.deadlineAt ?? null
  const keptMs = deadlineAt === null ? null : Math.max(0, deadlineAt - ctx.clock.now())
  return {
    by: caller.owner,
    reason: request.reason ?? before?.reason ?? '',
    deadlineMs: request.deadlineMs === undefined ? keptMs : request.deadlineMs,
    then: request.then ?? before?.then ?? 'requeue',
    atOnce: request.atOnce ?? before?.atOnce ?? defaultAtOnce,
  }
}

/** Begins a drain, or changes the terms of the one under way. */
export function beginDrain(ctx: BrainContext, node: LiveNode, wish: DrainWish): void {
  const now = ctx.clock.now()
  node.drain = {
    by: wish.by,
    reason: wish.reason,
    startedAt: node.drain?.startedAt ?? now,
    deadlineAt: wish.deadlineMs === null ? null : now + wish.deadlineMs,
    then: wish.then,
    atOnce: wish.atOnce,
    moving: node.drain?.moving ?? {},
    doneAt: null,
  }
  ctx.journal.node(node)
  offerNode(ctx, node)
  note(ctx, 'drain-started', `drain${wish.reason === '' ? '' : `: ${wish.reason}`}`, {
    node: node.name,
    by: wish.by,
  })
  ctx.wake()
}

/** What is on its way already goes on to its reserved place. */
export function endDrain(ctx: BrainContext, node: LiveNode): void {
  node.drain = null
  node.healthDrain = false
  ctx.journal.node(node)
  offerNode(ctx, node)
}

function dryRun(ctx: BrainContext, node: LiveNode, wish: DrainWish): DrainView {
  const { by, reason, deadlineMs, then, atOnce } = wish
  const now = ctx.clock.now()
  const deadlineAt = deadlineMs === null ? null : now + deadlineMs
  const planned: Drain = {
    by,
    reason,
    startedAt: now,
    deadlineAt,
    then,
    atOnce,
    moving: {},
    doneAt: null,
  }
  const { steps } = planFor(ctx, node, planned)
  return {
    state: 'planned',
    by,
    reason,
    startedAt: null,
    deadlineAt: deadlineAt === null ? null : iso(deadlineAt),
    then,
    atOnce,
    steps,
    left: node.tasks.size,
  }
}

export function advanceDrains(ctx: BrainContext): void {
  for (const node of ctx.state.nodes.values()) {
    if (node.drain !== null) advance(ctx, node, node.drain)
  }
}

function advance(ctx: BrainContext, node: LiveNode, drain: Drain): void {
  forgetArrived(ctx, node, drain)
  if (node.tasks.size === 0) {
    if (drain.doneAt === null && isAttestedEmpty(node)) finishDrain(ctx, node, drain)
    return
  }
  const plan = planFor(ctx, node, drain)
  const cause: Cause = { kind: 'drained', node: node.name, why: drain.reason }
  for (const { task, to } of plan.moves) {
    const found = ctx.state.findTaskByKey(task)
    if (!found) continue
    ctx.state.capacity.release(task)
    ctx.state.capacity.reserve(task, to, found.job.shape)
    drain.moving = { ...drain.moving, [task]: to }
    ctx.journal.node(node)
    note(ctx, 'moving', `moves from ${node.name} to ${to}: drain`, {
      job: found.job.id,
      task: found.index,
      owner: found.job.owner,
      node: node.name,
    })
    tryHappen(ctx, found.job, found.index, {
      happened: 'stop-wanted',
      stop: { cause, graceMs: null, then: 'requeue' },
    })
  }
  for (const { task, what } of plan.expired) {
    const found = ctx.state.findTaskByKey(task)
    const then = what === 'kill' ? 'finish' : 'requeue'
    if (found)
      tryHappen(ctx, found.job, found.index, {
        happened: 'stop-wanted',
        stop: { cause, graceMs: null, then },
      })
  }
}

/** Moves that are over: the task runs elsewhere, or is no more. */
function forgetArrived(ctx: BrainContext, node: LiveNode, drain: Drain): void {
  const left = Object.entries(drain.moving).filter(([key]) => {
    const found = ctx.state.findTaskByKey(key)
    const state = found?.job.tasks?.get(found.index)?.state
    if (state === undefined) return false
    const at = placementOf(state)?.node
    return at === node.name || (at !== undefined && state.is === 'placed')
  })
  if (left.length === Object.keys(drain.moving).length) return
  drain.moving = Object.fromEntries(left)
  ctx.journal.node(node)
}

/** The agent says that nothing is left; of a lost node its lease, or an operator, has said so. */
function isAttestedEmpty(node: LiveNode): boolean {
  if (node.state === 'lost') return true
  return (
    node.state === 'up' &&
    node.synced &&
    node.unknown.size === 0 &&
    !node.oddities.some(({ populated }) => populated)
  )
}

function finishDrain(ctx: BrainContext, node: LiveNode, drain: Drain): void {
  drain.doneAt = ctx.clock.now()
  drain.moving = {}
  ctx.journal.node(node)
  note(ctx, 'drained', `${node.name} is drained: nothing runs there`, {
    node: node.name,
    by: drain.by,
  })
}

/** At the start of the brain: places that moves under way had reserved. */
export function reserveAgain(ctx: BrainContext): void {
  for (const node of ctx.state.nodes.values()) {
    for (const [key, to] of Object.entries(node.drain?.moving ?? {})) {
      const found = ctx.state.findTaskByKey(key)
      if (found && node.tasks.has(key)) ctx.state.capacity.reserve(key, to, found.job.shape)
    }
  }
}
