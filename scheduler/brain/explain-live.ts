/** Why a live job waits: what the job itself waits for, then what the nodes lack. */
import { iso } from '../../proto/ids.ts'
import { jobStateOf, type Explanation } from '../../proto/job.ts'
import { explainWaiting, type WaitContext } from '../core/explain.ts'
import { queueBlocker } from '../core/queue.ts'
import { quotaBlocker } from '../core/quota.ts'
import { countsOf, type LiveJob } from '../state/live-job.ts'
import type { BrainContext } from './context.ts'
import { unheard } from './held-back.ts'
import { heldLimits, slotsLeft } from './quota.ts'
import { liveSummary } from './views.ts'

export function explainLive(ctx: BrainContext, job: LiveJob): Explanation {
  const state = jobStateOf(countsOf(job))
  const waiting = [...(job.tasks?.values() ?? [])].filter((task) => task.state.is === 'pending')
  if (job.untouched.count === 0 && waiting.length === 0 && state !== 'held') {
    const { reason } = liveSummary(job)
    return {
      job: job.id,
      state,
      summary: reason ?? `job ${job.id} is ${state}: nothing of it waits`,
      reasons: [],
      wayOut: null,
      ahead: null,
    }
  }
  const [task] = waiting
  const id = job.untouched.count > 0 || !task ? String(job.id) : `${job.id}.${task.index}`
  const context: WaitContext = {
    blockedBy: [...blockers(ctx, job), ...limitBlockers(ctx, job)],
    avoid: task?.avoid ?? [],
    never: [],
    ahead: ctx.state.waiting.ahead(id, ctx.state.shares, (owner) => slotsLeft(ctx, owner)),
  }
  return { job: job.id, state, ...explainWaiting(job.shape, ctx.state.capacity, context) }
}

function limitBlockers(ctx: BrainContext, { owner, shape, queue: name }: LiveJob) {
  const { shares, queues } = ctx.state
  const queue = queues.get(name)
  return [
    queue === undefined ? null : queueBlocker(queue, shape.slots, shares.queueSlots(name)),
    quotaBlocker(owner, shape, shares.held(owner), heldLimits(ctx, owner)),
  ].filter((found) => found !== null)
}

function blockers(ctx: BrainContext, job: LiveJob): WaitContext['blockedBy'] {
  const found: { code: string; detail: string; wayOut: string | null }[] = []
  const { wanted, maxRunning } = job
  if (wanted.what === 'hold') {
    const why = wanted.why === '' ? '' : `: ${wanted.why}`
    found.push({
      code: 'held',
      detail: `held by ${wanted.by} since ${iso(wanted.at)}${why}`,
      wayOut: `eg release ${job.id}`,
    })
  }
  if (wanted.what === 'suspend')
    found.push({
      code: 'suspended',
      detail: `suspended by ${wanted.by}`,
      wayOut: `eg resume ${job.id}`,
    })
  if (ctx.state.isHeldBack(job)) {
    const nodes = unheard(ctx)
    const who = nodes.length > 0 ? `until ${nodes.join(', ')} reports` : 'for the length of a lease'
    const detail = `it may run already, placed by the database that was lost: it waits ${who}`
    const wayOut = nodes.length > 0 ? `eg node lost --confirmed ${nodes[0]}` : null
    found.push({ code: 'restored', detail, wayOut })
  }
  for (const { job: other, on } of job.after) {
    const name = ctx.state.jobs.get(other)?.name ?? 'ended'
    const how = { ok: 'to succeed', any: 'to end', fail: 'to fail' }[on]
    found.push({ code: 'after', detail: `waits for job ${other} (${name}) ${how}`, wayOut: null })
  }
  if (job.beginAt !== null && job.beginAt > ctx.clock.now()) {
    found.push({
      code: 'begin-time',
      detail: `begins at ${iso(job.beginAt)}`,
      wayOut: `eg edit ${job.id} --begin now`,
    })
  }
  if (maxRunning !== null && job.placed >= maxRunning) {
    found.push({
      code: 'max-running',
      detail: `${job.placed} tasks run, and ${maxRunning} may at once`,
      wayOut: `eg edit ${job.id} --max-running N`,
    })
  }
  const delays = [...(job.tasks?.values() ?? [])].flatMap(({ state }) =>
    state.is === 'pending' && state.notBefore !== null && state.notBefore > ctx.clock.now()
      ? [state.notBefore]
      : [],
  )
  if (delays.length > 0 && job.untouched.count === 0) {
    found.push({
      code: 'retry-delay',
      detail: `is tried again at ${iso(Math.min(...delays))}, after a failure`,
      wayOut: null,
    })
  }
  return found
}
