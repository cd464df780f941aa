/** Editing a live job: what changes now, at the next run, or at the next placement. */
import { isDeepStrictEqual } from 'node:util'

import type { jobRoutes } from '../../proto/api-jobs.ts'
import type { Refusal } from '../../proto/errors.ts'
import type { JobEdit, JobSpec } from '../../proto/job.ts'
import { formatSize } from '../../proto/resources.ts'
import type { Reply } from '../../proto/route.ts'
import { problemOfSpec } from '../core/admission.ts'
import { canEverRun } from '../core/explain.ts'
import { asksOf, type Asks } from '../core/placement/resources.ts'
import { problemForQueue } from '../core/queue.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { keepSecrets } from '../core/secret-env.ts'
import { placementOf } from '../core/task-state.ts'
import type { LiveJob } from '../state/live-job.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { admitMemory } from './quota.ts'
import { problemOfResources } from './resources.ts'
import { findLive, mayChange, notYours, problemOfPriority } from './select.ts'
import { refreshWaiting } from './tasks.ts'

type EditReply = Reply<(typeof jobRoutes)['editJob']>
type Effect = EditReply['changed'][number]['effect']

/** When a change of each field reaches a task that runs; a waiting one takes all of them with its start. */
const effects: Record<keyof JobEdit, Effect> = {
  priority: 'now',
  maxRunning: 'now',
  retry: 'now',
  memBytes: 'now',
  cpuCores: 'now',
  pids: 'now',
  restart: 'now',
  stop: 'now',
  check: 'next-run',
  silenceMs: 'next-run',
  timeMs: 'next-run',
  warn: 'next-run',
  command: 'next-run',
  env: 'next-run',
  secretEnv: 'next-run',
  cwd: 'next-run',
  out: 'next-run',
  err: 'next-run',
  notes: 'now',
  beginAt: 'next-placement',
  onPartition: 'next-placement',
  where: 'next-placement',
  resources: 'next-placement',
  slots: 'next-placement',
}

export async function editJob(
  ctx: BrainContext,
  caller: Caller,
  text: string,
  edit: JobEdit,
): Promise<Result<EditReply>> {
  const found = findLive(ctx, caller, text)
  if (!found.ok) return found
  const { job } = found.value
  if (!mayChange(caller, job.owner)) return notYours(ctx, `job ${job.id}`, job.owner)
  // One edit after the other: each begins with what the one before it has made of the spec.
  const earlier = editing.get(job) ?? Promise.resolve()
  const result = earlier.then(() => editLive(ctx, caller, job, edit))
  editing.set(
    job,
    result.catch(() => {}),
  )
  return result
}

const editing = new WeakMap<LiveJob, Promise<unknown>>()

async function editLive(
  ctx: BrainContext,
  caller: Caller,
  job: LiveJob,
  said: JobEdit,
): Promise<Result<EditReply>> {
  await ctx.journal.settled()
  const before = await ctx.orders.specOf(job.id)
  if (before === null || !ctx.state.jobs.has(job.id))
    return refuse('wrong-state', `job ${job.id} has just finished`)
  const edit = keepSecrets(said, before)
  const named = Object.keys(edit) as (keyof JobEdit)[]
  const fields = named.filter((field) => !isDeepStrictEqual(before[field], edit[field]))
  if (fields.length === 0) return done({ job: job.id, changed: [] })
  const spec: JobSpec = { ...before, ...edit }
  const problem =
    problemOfPriority(ctx, caller, spec.priority, before.priority) ??
    problemOfSpec(spec, ctx.settings.limits) ??
    problemInQueue(ctx, job, spec) ??
    // What it asks for may have become too much: no reason to refuse another change.
    (fields.includes('resources') ? problemOfResources(ctx, spec) : null) ??
    problemOfSize(ctx, job, spec) ??
    problemOfGrowth(ctx, job, spec.memBytes - job.shape.memBytes)
  if (problem) return { ok: false, refusal: problem }
  applyEdit(ctx, job, spec)
  note(ctx, 'edited', fields.join(', '), { job: job.id, owner: job.owner, by: caller.owner })
  audit(ctx, caller, {
    what: 'edit',
    about: `job ${job.id}`,
    job: job.id,
    owner: job.owner,
    before: tellable(before, fields),
    after: tellable(spec, fields),
  })
  return done({
    job: job.id,
    changed: fields.map((field) => ({
      field,
      effect: job.placed === 0 || bindsAtOnce(field, spec) ? 'now' : effects[field],
    })),
  })
}

/** Nodes stop from now on what must not run twice; what was to be stopped stays so until it is placed anew. */
const bindsAtOnce = (field: keyof JobEdit, { onPartition }: JobSpec): boolean =>
  field === 'onPartition' && onPartition === 'stop'

/** Values of the environment may be secrets, and stay out of the log. */
function tellable(spec: JobSpec, fields: readonly (keyof JobEdit)[]): object {
  return Object.fromEntries(
    fields.map((field) => [
      field,
      field === 'env' || field === 'secretEnv' ? Object.keys(spec[field] ?? {}) : spec[field],
    ]),
  )
}

function problemInQueue(ctx: BrainContext, job: LiveJob, spec: JobSpec) {
  const queue = ctx.state.queues.get(job.queue)
  return queue === undefined ? null : problemForQueue(queue, spec)
}

function problemOfSize(ctx: BrainContext, job: LiveJob, spec: JobSpec) {
  const shape = shapeOf(ctx, job, spec)
  if (shape.key === job.shape.key) return null
  const fit = canEverRun(shape, ctx.state.capacity)
  if (!fit.ok) return { code: 'can-never-run' as const, detail: fit.detail, hint: fit.hint }
  if (job.placed > 0 && spec.slots !== job.shape.slots) {
    return {
      code: 'wrong-state' as const,
      detail: `job ${job.id} runs with ${job.shape.slots} ${job.shape.slots === 1 ? 'slot' : 'slots'}`,
      hint: 'stop it and submit it again with another --slots',
    }
  }
  if (job.placed > 0 && !isDeepStrictEqual(shape.resources, job.shape.resources)) {
    return {
      code: 'wrong-state' as const,
      detail: `job ${job.id} runs, and holds ${asksText(job.shape.resources)}`,
      hint: 'stop it and submit it again with another --resource',
    }
  }
  return null
}

const asksText = (asks: Asks | null): string =>
  asks === null
    ? 'no named resource'
    : asks.map(([name, amount]) => `${amount} of ${name}`).join(', ')

/** What runs takes its new memory at once: from its owner's quota, and from the nodes where it runs. */
function problemOfGrowth(ctx: BrainContext, job: LiveJob, more: number): Refusal | null {
  if (job.placed === 0 || more <= 0) return null
  const overQuota = admitMemory(ctx, job.owner, job.placed * more)
  if (overQuota) return overQuota
  const runsOn = [...(job.tasks?.values() ?? [])].flatMap(
    ({ state }) => placementOf(state)?.node ?? [],
  )
  for (const node of new Set(runsOn)) {
    const asked = more * runsOn.filter((name) => name === node).length
    const free = Math.max(0, ctx.state.capacity.node(node)?.freeMem ?? 0)
    if (asked > free)
      return {
        code: 'wrong-state',
        detail: `job ${job.id} runs on ${node}, which has ${formatSize(free)} of memory free, and this asks for ${formatSize(asked)} more`,
        hint: 'ask for less, or stop it and submit it again: it goes where there is room',
      }
  }
  return null
}

const shapeOf = (ctx: BrainContext, job: LiveJob, spec: JobSpec): LiveJob['shape'] =>
  ctx.state.shapeOf({
    owner: job.owner,
    queue: job.queue,
    slots: spec.slots,
    memBytes: spec.memBytes,
    where: spec.where,
    resources: asksOf(spec.resources),
    spread: job.kind === 'continuous',
  })

function applyEdit(ctx: BrainContext, job: LiveJob, spec: JobSpec): void {
  const before = job.shape
  const shape = shapeOf(ctx, job, spec)
  for (const task of job.tasks?.values() ?? []) {
    const node = placementOf(task.state)?.node
    if (node === undefined) continue
    // What runs is booked with what it now may use.
    ctx.state.capacity.give(node, before)
    ctx.state.capacity.take(node, shape)
    ctx.state.shares.give(before)
    ctx.state.shares.take(shape)
    ctx.orders.touch(node, `${job.id}.${task.index}`)
  }
  job.shape = shape
  job.priority = spec.priority
  job.maxRunning = spec.maxRunning
  job.retry = spec.retry
  job.beginAt = spec.beginAt === null ? null : Date.parse(spec.beginAt)
  job.restart = spec.restart
  job.onPartition = spec.onPartition
  ctx.orders.remember(job.id, spec)
  ctx.journal.job(job, JSON.stringify(spec))
  refreshWaiting(ctx, job)
}
