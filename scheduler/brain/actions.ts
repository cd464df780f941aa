/** What owners do with their jobs: stop, hold, release, suspend, resume, restart. */
import type { ActionReply, Selection } from '../../proto/api-jobs.ts'
import type { Cause } from '../../proto/cause.ts'
import { done, type Result } from '../core/result.ts'
import { placementOf } from '../core/task-state.ts'
import type { WantedFact } from '../state/live-job.ts'
import { auditJobs, type OfJob } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { cancelWaiting } from './finish.ts'
import { mayChange, notYours, select, type Judge, type Target } from './select.ts'
import { mayMaintain, notMaintained } from './sharing.ts'
import { stopUnknown, unknownByJob } from './stop-unknown.ts'
import { happen, refreshWaiting } from './tasks.ts'

export type ActionName = 'stop' | 'hold' | 'release' | 'suspend' | 'resume' | 'restart'
/** What was done, for people; or why not. */
type Deed = { done: string } | { refused: string }
type Act = (ctx: BrainContext, caller: Caller, target: Target, why: string) => Deed

const acts: Record<ActionName, Act> = { stop, hold, release, suspend, resume, restart }

export function act(
  ctx: BrainContext,
  name: ActionName,
  caller: Caller,
  selection: Selection,
): Result<ActionReply> {
  const { targets, refused } = select(ctx, caller, selection, judgeOf(ctx, name, caller))
  const reply: ActionReply = { done: [], refused: [] }
  const there = name === 'stop' && refused.length > 0 ? unknownByJob(ctx) : null
  for (const { ref, refusal } of refused) {
    const unknown = there === null ? null : stopUnknown(ctx, caller, ref, selection, there)
    if (unknown?.ok === true) reply.done.push(unknown.value)
    else reply.refused.push({ ref, ...(unknown?.refusal ?? refusal) })
  }
  const deeds: OfJob[] = []
  for (const target of targets) {
    const { job, index } = target
    const before = standing(target)
    const deed =
      selection.dryRun === true
        ? { done: `would ${name}` }
        : acts[name](ctx, caller, target, selection.why ?? '')
    if ('done' in deed) {
      reply.done.push({ job: job.id, task: index, name: job.name, detail: deed.done })
      const after = { [name === 'restart' ? 'asked' : 'wanted']: asked[name], why: selection.why }
      deeds.push({ job: job.id, task: index, owner: job.owner, before, after })
    } else
      reply.refused.push({
        ref: index === null ? String(job.id) : `${job.id}.${index}`,
        code: 'wrong-state',
        detail: deed.refused,
      })
  }
  if (selection.dryRun !== true) auditJobs(ctx, caller, name, deeds)
  return done(reply)
}

/** Members of a group that the owner shares with may stop and restart; the rest is the owner's. */
const judgeOf = (ctx: BrainContext, name: ActionName, caller: Caller): Judge =>
  name === 'stop' || name === 'restart'
    ? {
        may: (owner, job) => mayMaintain(ctx, caller, owner, job),
        refuse: (what, owner, job) => notMaintained(ctx, what, owner, job),
      }
    : {
        may: (owner) => mayChange(caller, owner),
        refuse: (what, owner) => notYours(ctx, what, owner),
      }

/** What each leaves wanted of a job. */
const asked: Record<ActionName, string> = {
  stop: 'stop',
  hold: 'hold',
  release: 'run',
  suspend: 'suspend',
  resume: 'run',
  restart: 'restart',
}

function standing({ job, index }: Target): object {
  const task = index === null ? undefined : job.tasks?.get(index)
  return index === null ? { wanted: job.wanted.what } : { state: task?.state.is ?? 'pending' }
}

function stop(ctx: BrainContext, caller: Caller, { job, index }: Target, why: string): Deed {
  const cause: Cause = { kind: 'cancelled', by: caller.owner, why }
  const plan = { cause, graceMs: null, then: 'finish' as const }
  if (index !== null) {
    happen(ctx, job, index, { happened: 'stop-wanted', stop: plan })
    return { done: 'stopping' }
  }
  // What ends at once has an entry that says so; ten thousand of them need no second one each.
  if (job.placed > 0) want(ctx, { job, index }, 'stop', caller, why)
  else job.wanted = { what: 'stop', by: caller.owner, why, at: ctx.clock.now() }
  for (const task of [...(job.tasks?.values() ?? [])]) {
    if (placementOf(task.state))
      happen(ctx, job, task.index, { happened: 'stop-wanted', stop: plan })
  }
  cancelWaiting(ctx, job, cause, caller.owner)
  return { done: ctx.state.jobs.has(job.id) ? 'stopping' : 'stopped' }
}

function hold(ctx: BrainContext, caller: Caller, target: Target, why: string): Deed {
  const { job, index } = target
  if (index !== null) {
    const task = happen(ctx, job, index, { happened: 'held' })
    return task?.state.is === 'held'
      ? { done: 'held' }
      : { refused: `task ${job.id}.${index} does not wait; only waiting work can be held` }
  }
  if (job.wanted.what === 'stop') return { refused: `job ${job.id} is being stopped` }
  want(ctx, target, 'hold', caller, why)
  for (const task of [...(job.tasks?.values() ?? [])])
    happen(ctx, job, task.index, { happened: 'held' })
  refreshWaiting(ctx, job)
  return { done: job.placed > 0 ? 'held; what runs goes on' : 'held' }
}

function release(ctx: BrainContext, caller: Caller, target: Target, why: string): Deed {
  const { job, index } = target
  if (index !== null) {
    const before = job.tasks?.get(index)
    if (before?.state.is !== 'held') return { refused: `task ${job.id}.${index} is not held` }
    happen(ctx, job, index, { happened: 'released' })
    return { done: 'released' }
  }
  const heldTasks = [...(job.tasks?.values() ?? [])].filter(({ state }) => state.is === 'held')
  if (job.wanted.what !== 'hold' && heldTasks.length === 0)
    return { refused: `job ${job.id} is not held` }
  if (job.wanted.what === 'hold') want(ctx, target, 'run', caller, why)
  for (const task of heldTasks) happen(ctx, job, task.index, { happened: 'released' })
  refreshWaiting(ctx, job)
  return { done: 'released' }
}

function suspend(ctx: BrainContext, caller: Caller, target: Target, why: string): Deed {
  return setSuspended(ctx, caller, target, why, true)
}

function resume(ctx: BrainContext, caller: Caller, target: Target, why: string): Deed {
  return setSuspended(ctx, caller, target, why, false)
}

function setSuspended(
  ctx: BrainContext,
  caller: Caller,
  target: Target,
  why: string,
  suspended: boolean,
): Deed {
  const { job, index } = target
  const word = suspended ? 'suspended' : 'resumed'
  const tasks = [...(job.tasks?.values() ?? [])].filter(
    (task) => (index === null || task.index === index) && placementOf(task.state),
  )
  if (job.wanted.what === 'stop') return { refused: `job ${job.id} is being stopped` }
  const isFrozen = [...(job.tasks?.values() ?? [])].some((task) => task.suspend)
  // What was suspended and lost its place waits, and only this lets it go on.
  const isWaiting = !suspended && index === null && (job.wanted.what === 'suspend' || isFrozen)
  if (tasks.length === 0 && !isWaiting)
    return { refused: `nothing of job ${job.id} runs; use hold and release for waiting work` }
  if (index === null) {
    if (!suspended && job.wanted.what !== 'suspend' && !isFrozen)
      return { refused: `job ${job.id} is not suspended` }
    // A hold outlasts both: what waits goes on waiting.
    if (job.wanted.what !== 'hold') want(ctx, target, suspended ? 'suspend' : 'run', caller, why)
  }
  const others = [...(job.tasks?.values() ?? [])].filter(
    (task) => index === null && !suspended && task.suspend && !placementOf(task.state),
  )
  for (const task of [...tasks, ...others])
    happen(ctx, job, task.index, { happened: 'suspend-wanted', suspend: suspended })
  refreshWaiting(ctx, job)
  return { done: `${word} soon: the node is told` }
}

/** Graceful: the agent stops the present run and starts the next at once, without back-off. */
function restart(ctx: BrainContext, caller: Caller, { job }: Target, why: string): Deed {
  if (job.kind !== 'continuous')
    return { refused: `job ${job.id} is a one-off; submit it again instead` }
  if (job.wanted.what === 'stop') return { refused: `job ${job.id} is being stopped` }
  if (job.placed === 0)
    return {
      refused: `job ${job.id} does not run now; it starts as soon as it has a place (\`eg explain ${job.id}\`)`,
    }
  // Ahead of what a lost database may have counted to: an agent obeys only what is higher than all that it has seen.
  const count = Math.max(job.restartOrder?.count ?? 0, job.epochBase) + 1
  job.restartOrder = { count, by: caller.owner, why }
  ctx.journal.job(job)
  for (const task of job.tasks?.values() ?? []) {
    const placement = placementOf(task.state)
    if (placement) ctx.orders.touch(placement.node, `${job.id}.${task.index}`)
  }
  note(ctx, 'restart-wanted', `restart asked for${why === '' ? '' : `: ${why}`}`, {
    job: job.id,
    owner: job.owner,
    by: caller.owner,
  })
  return { done: 'restarting' }
}

function want(
  ctx: BrainContext,
  { job }: Target,
  what: WantedFact['what'],
  caller: Caller,
  why: string,
): void {
  if (job.wanted.what === what && job.wanted.by === caller.owner) return
  job.wanted = { what, by: caller.owner, why, at: ctx.clock.now() }
  ctx.journal.job(job)
  note(ctx, `${what}-wanted`, `${what} wanted${why === '' ? '' : `: ${why}`}`, {
    job: job.id,
    owner: job.owner,
    by: caller.owner,
  })
}
