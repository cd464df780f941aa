/** Named resources: as they are shown, what operators say of them, and whether a job may ask for what it asks for. */
import { iso, parseTaskKey } from '../../proto/ids.ts'
import type { JobSpec } from '../../proto/job.ts'
import type { ResourceDetail, ResourceRequest, ResourceView } from '../../proto/named-resource.ts'
import { amountIn, asksOf, type ResourceTotals } from '../core/placement/resources.ts'
import { problemOfAsks } from '../core/resource.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { placementOf } from '../core/task-state.ts'
import { waitingTasks } from '../state/live-job.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import type { StoredResource } from './stored.ts'

const shownAtMost = 1000

/** Null: what it asks for there is, though it may have to wait. */
export const problemOfResources = (ctx: BrainContext, spec: JobSpec) =>
  problemOfAsks(ctx.state.capacity.resources, asksOf(spec.resources))

export function listResources(ctx: BrainContext): Result<{ resources: ResourceView[] }> {
  const waiting = countWaiting(ctx)
  const names = ctx.state.capacity.resources.names()
  return done({ resources: names.map((name) => viewOf(ctx, name, waiting)) })
}

/** Of all resources, in one walk over the jobs. */
function countWaiting({ state }: BrainContext): ReadonlyMap<string, number> {
  const waiting = new Map<string, number>()
  for (const job of state.jobs.values()) {
    for (const [name] of job.shape.resources ?? [])
      waiting.set(name, (waiting.get(name) ?? 0) + waitingTasks(job))
  }
  return waiting
}

function viewOf(ctx: BrainContext, name: string, waiting = countWaiting(ctx)): ResourceView {
  const { resources } = ctx.state.capacity
  const { total, nodes } = resources.totals(name) ?? nothing
  const free = resources.freeInGrid(name)
  return {
    name,
    total,
    taken: resources.takenInGrid(name),
    free: total === null ? null : Math.max(0, free),
    nodes: storedOf({ total, nodes }).nodes.map(([node, own]) => ({
      node,
      total: own,
      taken: resources.takenOn(name, node),
      free: Math.max(0, resources.freeOn(name, node)),
    })),
    waiting: waiting.get(name) ?? 0,
  }
}

const nothing: ResourceTotals = { total: null, nodes: new Map() }

export function showResource(ctx: BrainContext, name: string): Result<ResourceDetail> {
  if (ctx.state.capacity.resources.totals(name) === null) return notFound(name)
  const holders = holdersOf(ctx, name).sort((a, b) => (a.since ?? 0) - (b.since ?? 0))
  return done({
    ...viewOf(ctx, name),
    holders: holders
      .slice(0, shownAtMost)
      .map((one) => ({ ...one, since: one.since === null ? null : iso(one.since) })),
    waiters: waitersOf(ctx, name).slice(0, shownAtMost),
  })
}

const notFound = (name: string) =>
  refuse('not-found', `there is no resource "${name}"`, 'list them with `eg resources`')

type Held = Omit<ResourceDetail['holders'][number], 'since'> & { since: number | null }

/** Told by what has a place now, as slots are: nothing else is kept of it. */
export function holdersOf({ state }: BrainContext, resource: string): Held[] {
  const held: Held[] = []
  for (const { id, name, owner, array, placed, shape, tasks } of state.jobs.values()) {
    const amount = placed === 0 ? 0 : amountIn(shape.resources, resource)
    if (amount === 0) continue
    for (const { index, state: taskState, since } of tasks?.values() ?? []) {
      const placement = placementOf(taskState)
      if (placement === null) continue
      const { node, at = since } = placement
      held.push({
        ...{ job: id, task: array === null ? null : index, name, owner, node, amount },
        since: at,
      })
    }
  }
  return [...held, ...unknownHolders(state, resource)]
}

function* unknownHolders(state: BrainContext['state'], resource: string): Generator<Held> {
  for (const node of state.nodes.values()) {
    for (const [key, placements] of node.unknown) {
      const { job, index } = parseTaskKey(key)
      for (const { shape } of placements) {
        const amount = amountIn(shape.resources, resource)
        const nobody = { name: '', owner: '', since: null }
        if (amount > 0) yield { ...nobody, job, task: index, node: node.name, amount }
      }
    }
  }
}

function waitersOf({ state }: BrainContext, resource: string): ResourceDetail['waiters'] {
  const waiters: ResourceDetail['waiters'] = []
  for (const job of state.jobs.values()) {
    const { id, name, owner, kind, shape, submittedAt } = job
    const amount = amountIn(shape.resources, resource)
    const tasks = amount === 0 ? 0 : waitingTasks(job)
    if (tasks > 0)
      waiters.push({ job: id, name, owner, kind, amount, tasks, since: iso(submittedAt) })
  }
  return waiters
}

export function setResource(
  ctx: BrainContext,
  caller: Caller,
  { name, total, node }: ResourceRequest,
): Result<ResourceView> {
  // In `--resource none` it would say that nothing is asked for.
  if (name === 'none') return refuse('invalid', '"none" is no name for a resource')
  if (node !== undefined && !ctx.state.nodes.has(node))
    return refuse('not-found', `there is no node "${node}"`, 'list them with `eg nodes`')
  const before = ctx.state.capacity.resources.totals(name) ?? nothing
  const after =
    node === undefined
      ? { ...before, total }
      : { ...before, nodes: new Map(before.nodes).set(node, total) }
  put(ctx, name, after)
  tell(ctx, caller, { verb: 'set', name, before, after })
  note(ctx, 'resource-set', `${name}=${total}${onNode(node)}`, {
    node: node ?? null,
    by: caller.owner,
  })
  ctx.wake()
  return done(viewOf(ctx, name))
}

const onNode = (node: string | null | undefined): string => (node ? ` on ${node}` : '')

export function removeResource(
  ctx: BrainContext,
  caller: Caller,
  name: string,
  node: string | null,
): Result<Record<string, never>> {
  const before = ctx.state.capacity.resources.totals(name)
  if (before === null) return notFound(name)
  if (node === null ? before.total === null : !before.nodes.has(node))
    return refuse(
      'not-found',
      node === null
        ? `resource "${name}" has no total for the whole grid, only for nodes`
        : `nothing is said of resource "${name}" on ${node}`,
      node === null
        ? 'say of which node: --node NODE'
        : '`eg resource show` says where there is some',
    )
  if (isEmpty(without(before, node))) {
    const user = userOf(ctx, name)
    if (user !== null)
      return refuse(
        'wrong-state',
        `${user} asks for resource "${name}"`,
        `change or stop it first, or let nothing start: eg resource set ${name}=0`,
      )
  }
  drop(ctx, caller, { name, node, before })
  ctx.wake()
  return done({})
}

function without({ total, nodes }: ResourceTotals, node: string | null): ResourceTotals {
  if (node === null) return { total: null, nodes }
  return { total, nodes: new Map([...nodes].filter(([other]) => other !== node)) }
}

const isEmpty = ({ total, nodes }: ResourceTotals): boolean => total === null && nodes.size === 0

/** One that lives and asks for it, as a sentence names it. */
function userOf({ state }: BrainContext, name: string): string | null {
  for (const { id, owner, shape } of state.jobs.values())
    if (amountIn(shape.resources, name) > 0) return `job ${id} of ${owner}`
  for (const { name: schedule, owner, spec } of state.schedules.values())
    if (amountIn(asksOf(spec.job.resources), name) > 0) return `schedule ${schedule} of ${owner}`
  return null
}

/** A node that is removed takes with it what it had: nobody says of one that is not there what it has. */
export function dropNodeTotals(ctx: BrainContext, caller: Caller, node: string): void {
  const { resources } = ctx.state.capacity
  for (const name of resources.names()) {
    const before = resources.totals(name)
    if (before?.nodes.has(node) === true) drop(ctx, caller, { name, node, before })
  }
}

function drop(
  ctx: BrainContext,
  caller: Caller,
  { name, node, before }: { name: string; node: string | null; before: ResourceTotals },
): void {
  const after = without(before, node)
  put(ctx, name, after)
  tell(ctx, caller, { verb: 'remove', name, before, after })
  note(ctx, 'resource-removed', `${name}${onNode(node)}`, { node, by: caller.owner })
}

function put(ctx: BrainContext, name: string, totals: ResourceTotals): void {
  const { resources } = ctx.state.capacity
  if (isEmpty(totals)) {
    resources.forget(name)
    ctx.journal.change({ drop: 'resource', name })
    return
  }
  resources.define(name, totals)
  const dataJson = JSON.stringify(storedOf(totals))
  ctx.journal.change({ put: 'resource', row: { name, dataJson } })
}

const storedOf = ({ total, nodes }: ResourceTotals): StoredResource => ({
  total,
  nodes: [...nodes].sort(([a], [b]) => (a < b ? -1 : 1)),
})

function tell(
  ctx: BrainContext,
  caller: Caller,
  what: { verb: string; name: string; before: ResourceTotals; after: ResourceTotals },
): void {
  const { verb, name } = what
  const [before, after] = [what.before, what.after].map((totals) =>
    isEmpty(totals) ? null : { total: totals.total, nodes: Object.fromEntries(totals.nodes) },
  )
  audit(ctx, caller, { what: `resource ${verb}`, about: `resource ${name}`, before, after })
}
