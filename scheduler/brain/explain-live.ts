/** Why a live job waits: what the job itself waits for, then what the nodes lack. */
import { iso, taskKey } from '../../proto/ids.ts'
import { jobStateOf, type Explanation, type TaskStateName } from '../../proto/job.ts'
import { explainWaiting, type Reason, type WaitContext } from '../core/explain.ts'
import { queueBlocker } from '../core/queue.ts'
import { quotaBlocker } from '../core/quota.ts'
import { gridBlockers, heldText } from '../core/resource.ts'
import { placementOf, type Task } from '../core/task-state.ts'
import { countsOf, type LiveJob } from '../state/live-job.ts'
import type { BrainContext } from './context.ts'
import { planFor } from './drain-view.ts'
import { mayBePlacedAnew, untilKnown } from './held-back.ts'
import { heldLimits, slotsLeft } from './quota.ts'
import { holdersOf } from './resources.ts'
import { liveSummary } from './views.ts'

/** Of one task where `index` says which, else of all that waits. */
export function explainLive(ctx: BrainContext, job: LiveJob, index: number | null): Explanation {
  const meant = index === null ? undefined : job.tasks?.get(index)
  const state = meant?.state.is ?? jobStateOf(countsOf(job))
  const waiting = [...(meant ? [meant] : (job.tasks?.values() ?? []))].filter(
    (task) => task.state.is === 'pending',
  )
  const hasUntouched = meant === undefined && job.untouched.count > 0
  if (!hasUntouched && waiting.length === 0 && state !== 'held')
    return goesOn(ctx, job, meant, state)
  const [task] = waiting
  const id = hasUntouched || !task ? String(job.id) : `${job.id}.${task.index}`
  const context: WaitContext = {
    blockedBy: [...taskHold(job, meant, state), ...blockers(ctx, job), ...limitBlockers(ctx, job)],
    avoid: task?.avoid ?? [],
    never: [],
    ahead: ctx.state.waiting.ahead(id, ctx.state.shares, (owner) => slotsLeft(ctx, owner)),
  }
  const explained = explainWaiting(job.shape, ctx.state.capacity, context)
  const reasons = [...explained.reasons, ...holderReasons(ctx, job, explained.reasons)]
  return { job: job.id, state, ...explained, reasons }
}

/** Who has what nodes are short of; of the grid as a whole its own reason says so. */
function holderReasons(ctx: BrainContext, { shape }: LiveJob, reasons: readonly Reason[]) {
  if (!reasons.some(({ code }) => code === 'resource-now')) return []
  const { resources } = ctx.state.capacity
  return (shape.resources ?? []).flatMap(([name, amount]) => {
    const nodes = [...(resources.totals(name)?.nodes.keys() ?? [])]
    if (!nodes.some((node) => resources.freeOn(name, node) < amount)) return []
    const holders = holdersOf(ctx, name)
    // Reserved for what moves there, nobody holds it yet.
    if (holders.length === 0) return []
    return [
      { code: 'resource-held', nodes: null, detail: `resource ${name} is ${heldText(holders)}` },
    ]
  })
}

function goesOn(
  ctx: BrainContext,
  job: LiveJob,
  task: Task | undefined,
  state: TaskStateName,
): Explanation {
  const drains = drainReasons(ctx, job, task)
  const anew = anewReasons(ctx, job, task)
  const reason = task === undefined ? liveSummary(job).reason : null
  const subject = task === undefined ? '' : `task ${task.index} `
  const [first] = [...anew.map(({ detail }) => `: ${detail}`), ...drains.map((one) => ` ${one}`)]
  return {
    job: job.id,
    state,
    summary: reason ?? `${subject}is ${state}${first ?? ': nothing of it waits'}`,
    reasons: [...anew, ...drains.map((detail) => ({ code: 'drain', nodes: null, detail }))],
    wayOut: wayOutOf(ctx, named(job, task), state, anew.length > 0),
    ahead: null,
  }
}

function wayOutOf(ctx: BrainContext, subject: string, state: TaskStateName, mayBeAnew: boolean) {
  if (state === 'suspended') return `eg resume ${subject}`
  return mayBeAnew ? untilKnown(ctx).wayOut : null
}

/** What its node tells of it does not count yet. */
function anewReasons(ctx: BrainContext, job: LiveJob, task: Task | undefined) {
  const tasks = task === undefined ? [...(job.tasks?.values() ?? [])] : [task]
  if (!tasks.some((one) => mayBePlacedAnew(ctx, job, one))) return []
  const detail = `it may be elsewhere since, placed by the database that was lost: its end does not count ${untilKnown(ctx).until}`
  return [{ code: 'restored', nodes: null, detail }]
}

/** What the drains of their nodes do with its tasks. */
function drainReasons(ctx: BrainContext, job: LiveJob, task: Task | undefined): string[] {
  const tasks = task === undefined ? [...(job.tasks?.values() ?? [])] : [task]
  const keys = new Set(tasks.map(({ index }) => taskKey(job.id, index)))
  const on = new Set(tasks.map(({ state }) => placementOf(state)?.node))
  const said = [...on].flatMap((name) => {
    const node = name === undefined ? undefined : ctx.state.nodes.get(name)
    if (!node?.drain) return []
    return planFor(ctx, node, node.drain)
      .steps.filter((step) => keys.has(step.task))
      .map(({ detail }) => `on ${node.name}, which is being drained: ${detail}`)
  })
  return [...new Set(said)]
}

const named = (job: LiveJob, task: Task | undefined): string =>
  task === undefined ? String(job.id) : `${job.id}.${task.index}`

/** Tasks that are held by themselves, the job going on. */
function taskHold(job: LiveJob, task: Task | undefined, state: TaskStateName) {
  if (state !== 'held' || job.wanted.what === 'hold') return []
  const detail = task === undefined ? 'its tasks are held' : `task ${task.index} is held`
  return [{ code: 'held', detail, wayOut: `eg release ${named(job, task)}` }]
}

function limitBlockers(ctx: BrainContext, job: LiveJob) {
  const { owner, shape, queue: name } = job
  const { shares, queues, capacity } = ctx.state
  const queue = queues.get(name)
  return [
    queue === undefined ? null : queueBlocker(queue, shape.slots, shares.queueSlots(name)),
    quotaBlocker(owner, shape, shares.held(owner), heldLimits(ctx, owner)),
    unknownBlocker(ctx, job),
    ...gridBlockers(capacity.resources, shape.resources, (name) => holdersOf(ctx, name)),
  ].filter((found) => found !== null)
}

/** After a restore: new work needs to wait only for what nodes that have yet to speak may hold as well. */
function unknownBlocker(ctx: BrainContext, job: LiveJob) {
  const { resources } = ctx.state.capacity
  if (resources.isTakenKnown || ctx.state.isHeldBack(job)) return null
  if (job.shape.resources === null || !resources.areOfGrid(job.shape.resources)) return null
  const { until, wayOut } = untilKnown(ctx)
  const detail = `what it asks for may be held by what the lost database placed: it waits ${until}`
  return { code: 'restored', detail, wayOut }
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
    const { until, wayOut } = untilKnown(ctx)
    const detail = `it may run already, placed by the database that was lost: it waits ${until}`
    found.push({ code: 'restored', detail, wayOut })
  }
  found.push(...job.after.map((one) => dependencyBlocker(ctx, one)))
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

function dependencyBlocker(ctx: BrainContext, { job, on }: LiveJob['after'][number]) {
  const name = ctx.state.jobs.get(job)?.name ?? 'ended'
  const how = { ok: 'to succeed', any: 'to end', fail: 'to fail' }[on]
  const detail = `waits for job ${job} (${name}) ${how}`
  return { code: 'after', detail, wayOut: `wait for its end: eg show ${job}` }
}
