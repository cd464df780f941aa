/** Queues: as they are shown, and what operators do to them. */
import { iso } from '../../proto/ids.ts'
import type { JobSpec } from '../../proto/job.ts'
import type { QueueEdit, QueueRequest, QueueView } from '../../proto/queue.ts'
import { admitToQueue, filledQueue, isBuiltIn, takesNode, type Queue } from '../core/queue.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { waitingTasks } from '../state/live-job.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { labelsOf, offerNode } from './node-offer.ts'
import { refreshWaiting } from './tasks.ts'

/** What the queue that a job names makes of it. */
export function admitByQueue(
  ctx: BrainContext,
  owner: string,
  spec: JobSpec,
  live = ctx.state.queueJobs.get(spec.queue) ?? 0,
): Result<JobSpec> {
  return admitToQueue(ctx.state.queues, spec, { owner, members: ctx.quotas.members, live })
}

export function listQueues(ctx: BrainContext): Result<{ queues: QueueView[] }> {
  const queues = [...ctx.state.queues.values()].sort(
    (a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1),
  )
  const tasks = countTasks(ctx)
  return done({ queues: queues.map((queue) => viewOf(ctx, queue, tasks)) })
}

type TasksOfQueues = ReadonlyMap<string, { placed: number; pending: number }>

/** Of all queues, in one walk over the jobs. */
function countTasks(ctx: BrainContext): TasksOfQueues {
  const tasks = new Map([...ctx.state.queues.keys()].map((name) => [name, { ...noTasks }]))
  for (const job of ctx.state.jobs.values()) {
    const counted = tasks.get(job.queue)
    if (counted === undefined) continue
    counted.placed += job.placed
    counted.pending += waitingTasks(job)
  }
  return tasks
}

const noTasks = { placed: 0, pending: 0 }

function viewOf(ctx: BrainContext, queue: Queue, tasks = countTasks(ctx)): QueueView {
  const { state } = ctx
  const { placed, pending } = tasks.get(queue.name) ?? noTasks
  const { closed, ...spec } = queue
  return {
    ...spec,
    closed: closed && { ...closed, at: iso(closed.at) },
    builtIn: isBuiltIn(queue.name),
    live: state.queueJobs.get(queue.name) ?? 0,
    placed,
    pending,
    slotsHeld: state.shares.queueSlots(queue.name),
    nodesNow: [...state.nodes.values()].filter(
      (node) => node.facts !== null && takesNode(queue, labelsOf(node)),
    ).length,
  }
}

export function onQueue<T>(
  ctx: BrainContext,
  name: string,
  then: (queue: Queue) => Result<T>,
): Result<T> {
  const queue = ctx.state.queues.get(name)
  if (queue !== undefined) return then(queue)
  return refuse('not-found', `there is no queue "${name}"`, 'list them with `eg queue list`')
}

export const showQueue = (ctx: BrainContext, name: string): Result<QueueView> =>
  onQueue(ctx, name, (queue) => done(viewOf(ctx, queue)))

export async function addQueue(
  ctx: BrainContext,
  caller: Caller,
  request: QueueRequest,
): Promise<Result<QueueView>> {
  const taken = (): Result<QueueView> =>
    refuse(
      'name-taken',
      `there is a queue "${request.name}"`,
      `change it with \`eg queue edit ${request.name}\``,
    )
  if (ctx.state.queues.has(request.name)) return taken()
  await lookUpGroups(ctx, request.groups ?? [])
  if (ctx.state.queues.has(request.name)) return taken()
  return change(ctx, caller, filledQueue(request), 'add', '')
}

export async function editQueue(
  ctx: BrainContext,
  caller: Caller,
  name: string,
  edit: QueueEdit,
): Promise<Result<QueueView>> {
  await lookUpGroups(ctx, edit.groups ?? [])
  return onQueue(ctx, name, (queue) =>
    change(ctx, caller, { ...queue, ...edit }, 'edit', Object.keys(edit).join(', ')),
  )
}

export const closeQueue = (
  ctx: BrainContext,
  caller: Caller,
  queue: Queue,
  why: string,
): Result<QueueView> =>
  change(
    ctx,
    caller,
    { ...queue, closed: { by: caller.owner, why, at: ctx.clock.now() } },
    'close',
    why,
  )

export function openQueue(ctx: BrainContext, caller: Caller, queue: Queue): Result<QueueView> {
  if (queue.closed === null) return refuse('wrong-state', `queue "${queue.name}" is open`)
  return change(ctx, caller, { ...queue, closed: null }, 'open', '')
}

export function removeQueue(
  ctx: BrainContext,
  caller: Caller,
  queue: Queue,
): Result<Record<string, never>> {
  const { name } = queue
  if (isBuiltIn(name))
    return refuse('refused', `queue "${name}" is there from the start`, 'close it instead')
  const live = ctx.state.queueJobs.get(name) ?? 0
  if (live > 0)
    return refuse(
      'wrong-state',
      `queue "${name}" has ${live} live jobs`,
      'stop them first, or close it',
    )
  const schedule = [...ctx.state.schedules.values()].find(({ spec }) => spec.job.queue === name)
  if (schedule !== undefined)
    return refuse(
      'wrong-state',
      `schedule ${schedule.name} of ${schedule.owner} uses queue "${name}"`,
      'change or remove it first, or close the queue',
    )
  ctx.state.queues.delete(name)
  ctx.journal.change({ drop: 'queue', name })
  audit(ctx, caller, { what: 'queue remove', about: `queue ${name}`, before: queue, after: null })
  note(ctx, 'queue-removed', name, { by: caller.owner })
  offerAll(ctx)
  return done({})
}

const pastOf = { add: 'added', edit: 'edited', close: 'closed', open: 'opened' } as const

/** Puts a queue in the place of what it was; what waits in it is judged by what it is now. */
function change(
  ctx: BrainContext,
  caller: Caller,
  queue: Queue,
  verb: keyof typeof pastOf,
  detail: string,
): Result<QueueView> {
  const { state, journal } = ctx
  const before = state.queues.get(queue.name) ?? null
  state.queues.set(queue.name, queue)
  const { name, ...data } = queue
  journal.change({ put: 'queue', row: { name, dataJson: JSON.stringify(data) } })
  audit(ctx, caller, { what: `queue ${verb}`, about: `queue ${name}`, before, after: queue })
  note(ctx, `queue-${pastOf[verb]}`, detail === '' ? name : `${name}: ${detail}`, {
    by: caller.owner,
  })
  offerAll(ctx)
  for (const job of state.jobs.values()) {
    if (job.queue !== name) continue
    job.shape = state.shapeOf(job.shape)
    refreshWaiting(ctx, job)
  }
  ctx.wake()
  return done(viewOf(ctx, queue))
}

/** Nodes are marked with the queues that may use them. */
function offerAll(ctx: BrainContext): void {
  for (const node of ctx.state.nodes.values()) offerNode(ctx, node)
}

async function lookUpGroups(ctx: BrainContext, groups: readonly string[]): Promise<void> {
  for (const group of groups)
    ctx.quotas.members.set(group, new Set(await ctx.settings.groupMembers(group)))
}
