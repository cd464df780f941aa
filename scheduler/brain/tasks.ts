/** Carries out what the task machine decided: indexes, orders, rows and timeline follow every move of a task. */
import type { Cause } from '../../proto/cause.ts'
import { taskKey } from '../../proto/ids.ts'
import { retryDelayMs } from '../core/after-end.ts'
import { IllegalMove, lossOf, moveTask, type TaskEvent } from '../core/task-machine.ts'
import { placementOf, stopOf, type Task } from '../core/task-state.ts'
import { countEnds, findTask, isOver, machineFacts, type LiveJob } from '../state/live-job.ts'
import type { BrainContext } from './context.ts'
import { noteMove } from './timeline.ts'

/** Applies an event to a task; the task afterwards, or null where there is no such live task. */
export function happen(
  ctx: BrainContext,
  job: LiveJob,
  index: number,
  event: TaskEvent,
  taken = false,
): Task | null {
  const before = findTask(job, index)
  if (before === null) return null
  const next = moveTask(before, machineFacts(job), event, ctx.clock.now())
  if (next !== before) replaceTask(ctx, job, before, next, { taken, loss: lossOf(before, event) })
  return next
}

/** Puts a task in the place of what it was. `taken`: placement has booked capacity and share already. */
export function replaceTask(
  ctx: BrainContext,
  job: LiveJob,
  before: Task,
  next: Task,
  { taken, loss }: { taken: boolean; loss: Cause | null } = { taken: false, loss: null },
): void {
  const untouched = job.untouched.without(next.index)
  if (untouched !== job.untouched) {
    job.untouched = untouched
    ctx.journal.ranges(job)
  }
  job.tasks ??= new Map()
  bookPlace(ctx, job, before, next, taken)
  const waits = Number(isWaiting(next)) - Number(isWaiting(before))
  if (waits !== 0) ctx.state.use.count(job.owner, 'pending', waits)
  if (next.state.is === 'finished') {
    job.tasks.delete(next.index)
    countEnds(job, next.state, 1)
    ctx.state.waiting.drop(taskKey(job.id, next.index))
  } else job.tasks.set(next.index, next)
  ctx.journal.task(next)
  // The job's own row tells its state and counts to those who read only the store.
  if (before.state.is !== next.state.is) ctx.journal.job(job)
  noteMove(ctx, job, before, next, loss)
  const moved = placementOf(before.state) !== null && takeReserved(ctx, job, next)
  if (isOver(job)) ctx.follow.jobOver(job)
  else if (!moved) refreshWaiting(ctx, job, next)
}

const isWaiting = ({ state }: Task): boolean => state.is === 'pending' || state.is === 'held'

/** A task that a drain moved goes to the place that was reserved for it; one that needs none gives it back. */
function takeReserved(ctx: BrainContext, job: LiveJob, task: Task): boolean {
  const key = taskKey(job.id, task.index)
  if (placementOf(task.state) !== null) return false
  const place = ctx.state.capacity.reservation(key)
  if (place === null) return false
  ctx.state.capacity.release(key)
  if (task.state.is !== 'pending' || ctx.state.isHeldBack(job)) return false
  if (job.wanted.what !== 'run' || ctx.state.capacity.node(place.node)?.closed !== null)
    return false
  happen(ctx, job, task.index, { happened: 'placed', node: place.node })
  return true
}

function bookPlace(
  ctx: BrainContext,
  job: LiveJob,
  before: Task,
  next: Task,
  taken: boolean,
): void {
  const from = placementOf(before.state)
  const to = placementOf(next.state)
  const key = taskKey(job.id, next.index)
  if (from !== null && from.epoch !== to?.epoch) {
    ctx.state.capacity.give(from.node, job.shape)
    ctx.state.shares.give(job.shape)
    ctx.state.nodes.get(from.node)?.tasks.delete(key)
    job.placed -= 1
    ctx.wake()
  }
  if (to !== null && to.epoch !== from?.epoch) {
    if (!taken) {
      ctx.state.capacity.take(to.node, job.shape)
      ctx.state.shares.take(job.shape)
    }
    ctx.state.nodes.get(to.node)?.tasks.add(key)
    job.placed += 1
  }
  if (to !== null && isOrderedAnew(before, next)) ctx.orders.touch(to.node, key)
}

/** What a node is told of a task beside its job's spec; that it runs, the node has told us. */
function isOrderedAnew(before: Task, next: Task): boolean {
  return (
    placementOf(before.state)?.epoch !== placementOf(next.state)?.epoch ||
    stopOf(before.state) !== stopOf(next.state) ||
    before.suspend !== next.suspend
  )
}

/** Brings the queue of waiting tasks up to date with one job, or with one task of it and what it makes room for. */
export function refreshWaiting(ctx: BrainContext, job: LiveJob, only: Task | null = null): void {
  let free = eligible(ctx, job) ? (job.maxRunning ?? Number.POSITIVE_INFINITY) - job.placed : 0
  // With a cap on running tasks one task's move changes what the others may do; those begun once go first.
  const touched = only !== null && job.maxRunning === null ? [only] : (job.tasks?.values() ?? [])
  for (const task of touched) {
    const ready = free > 0 && isReady(ctx, job, task)
    if (ready) free -= 1
    putWaiting(ctx, job, taskKey(job.id, task.index), ready ? 1 : 0, task.avoid)
  }
  putWaiting(ctx, job, String(job.id), Math.min(job.untouched.count, Math.max(free, 0)), nobody)
}

function isReady(ctx: BrainContext, job: LiveJob, { state }: Task): boolean {
  if (state.is !== 'pending') return false
  const waitMs = (state.notBefore ?? 0) - ctx.clock.now()
  // Longer than any delay that we give: the clock was set back since.
  if (state.notBefore === null || waitMs <= 0 || waitMs > retryDelayMs.longest) return true
  remindAt(ctx, job, state.notBefore)
  return false
}

/** Only the next time is noted: then the whole job is looked at again, and the one after it noted. */
function remindAt(ctx: BrainContext, job: LiveJob, at: number): void {
  if (job.remindAt !== null && job.remindAt <= at) return
  job.remindAt = at
  ctx.state.reminders.push({ at, job: job.id })
}

const nobody: readonly string[] = []

function putWaiting(
  ctx: BrainContext,
  job: LiveJob,
  id: string,
  count: number,
  avoid: readonly string[],
): void {
  if (count <= 0) {
    ctx.state.waiting.drop(id)
    return
  }
  ctx.state.waiting.put(id, {
    job: job.id,
    shape: job.shape,
    queuePriority: ctx.state.queues.get(job.queue)?.priority ?? 0,
    priority: job.priority,
    since: job.submittedAt,
    count,
    avoid,
    never: nobody,
  })
  ctx.wake()
}

function eligible(ctx: BrainContext, job: LiveJob): boolean {
  if (job.wanted.what !== 'run' || job.after.length > 0 || ctx.state.isHeldBack(job)) return false
  if (ctx.state.queues.get(job.queue)?.closed) return false
  if (job.beginAt === null || job.beginAt <= ctx.clock.now()) return true
  remindAt(ctx, job, job.beginAt)
  return false
}

/** Applies an event to a task of a node's list; a move that the machine forbids is logged, not fatal to the report. */
export function tryHappen(
  ctx: BrainContext,
  job: LiveJob,
  index: number,
  event: TaskEvent,
): Task | null {
  try {
    return happen(ctx, job, index, event)
  } catch (error) {
    if (!(error instanceof IllegalMove)) throw error
    ctx.log.error({ event: 'illegal-move', error: error.message })
    return null
  }
}
