/** Submitting: a request becomes a live job, or a refusal that says what to do. */
import type { Dependency, JobRequest, JobSpec } from '../../proto/job.ts'
import { completeSpec, tasksOf } from '../core/admission.ts'
import { canEverRun, type FitVerdict } from '../core/explain.ts'
import { asksOf } from '../core/placement/resources.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { pastOf } from '../core/right-size.ts'
import { noneEnded, untouchedOf, type LiveJob } from '../state/live-job.ts'
import type { LiveSchedule } from '../state/live-schedule.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { lookUpDependencies } from './dependencies.ts'
import { admitByQueue } from './queues.ts'
import { admitJob, limitWarning } from './quota.ts'
import { problemOfResources } from './resources.ts'
import { couldOn } from './roles.ts'
import { problemOfPriority } from './select.ts'
import { refreshWaiting } from './tasks.ts'
import { specTextOf } from './template.ts'

export type Submitted = { job: number; name: string; tasks: number; warnings: string[] }
export type FromSchedule = { schedule: LiveSchedule; dueAt: number }

/** What many submits of one moment share: asked once for each owner and shape, however many schedules are due. */
export type Moment = {
  readonly at: number
  readonly refusedOwners: Map<string, ReturnType<BrainContext['settings']['refuseOwner']>>
  readonly fits: Map<LiveJob['shape'], FitVerdict>
  readonly fitOf: (shape: LiveJob['shape']) => FitVerdict
}

export const newMoment = (ctx: BrainContext): Moment => ({
  at: ctx.clock.now(),
  refusedOwners: new Map(),
  fits: new Map(),
  fitOf: (shape) => canEverRun(shape, ctx.state.capacity),
})

export async function submitAfterLookup(
  ctx: BrainContext,
  caller: Caller,
  request: JobRequest,
): Promise<Result<Submitted>> {
  const { owner = caller.owner, after = [] } = request
  // Where there is nothing to look up all is done within this call.
  if (after.length === 0) return submit(ctx, caller, request, [], null)
  const unmet = await lookUpDependencies(ctx, owner, after)
  return unmet.ok ? submit(ctx, caller, request, unmet.value, null) : unmet
}

export function submit(
  ctx: BrainContext,
  caller: Caller,
  request: JobRequest,
  after: Dependency[],
  from: FromSchedule | null,
  moment = newMoment(ctx),
): Result<Submitted> {
  const owner = request.owner ?? caller.owner
  if (owner !== caller.owner && caller.rights === 'user') {
    const detail = `only operators (${couldOn(ctx).operators}) may submit for ${owner}`
    return refuse('forbidden', detail, 'leave the owner out')
  }
  // What a schedule submits was judged when it got its priority.
  const tooHigh = from ? null : problemOfPriority(ctx, caller, request.priority)
  if (tooHigh) return { ok: false, refusal: tooHigh }
  const refused = remembered(moment.refusedOwners, owner, ctx.settings.refuseOwner)
  if (refused) return refuse('forbidden', refused.detail, refused.hint)
  const queued = specInQueue(ctx, owner, request, after)
  if (!queued.ok) return queued
  const free = freeName(ctx, owner, queued.value, request.once ?? false)
  if (!free.ok) return free
  const spec =
    free.value.length === 0 ? queued.value : { ...queued.value, after: [...after, ...free.value] }
  const overQuota = admitJob(ctx, owner, spec)
  if (overQuota) return overQuota
  const shape = shapeOf(ctx, owner, spec)
  const fit = remembered(moment.fits, shape, moment.fitOf)
  if (!fit.ok) return refuse('can-never-run', fit.detail, fit.hint)
  // A schedule has nobody who would read them.
  const warnings = from
    ? []
    : [fit.warning, limitWarning(ctx, owner, spec), adviceFor(ctx, owner, spec, request)].filter(
        (warning) => warning !== null,
      )
  if (request.dryRun === true)
    return done({ job: 0, name: spec.name, tasks: tasksOf(spec), warnings })
  const job = newJob(ctx, owner, spec, shape, from, moment.at)
  ctx.state.addJob(job)
  ctx.journal.job(job, specTextOf(ctx, from?.schedule ?? null, spec, job.id))
  ctx.journal.newRanges(job)
  // Thousands may be due at once, and few of them are placed now.
  if (!from) ctx.orders.remember(job.id, spec)
  note(ctx, 'submitted', from ? `submitted by schedule ${job.schedule}` : 'submitted', {
    at: moment.at,
    job: job.id,
    owner,
    by: caller.owner,
    schedule: job.schedule,
  })
  if (!from) auditSubmit(ctx, caller, job, tasksOf(spec))
  refreshWaiting(ctx, job)
  return done({
    job: job.id,
    name: job.name,
    tasks: tasksOf(spec),
    warnings,
  })
}

function specInQueue(
  ctx: BrainContext,
  owner: string,
  request: JobRequest,
  after: Dependency[],
): Result<JobSpec> {
  const completed = completeSpec(request, after, ctx.settings.limits)
  if (!completed.ok) return completed
  const missing = problemOfResources(ctx, completed.value)
  return missing === null
    ? admitByQueue(ctx, owner, completed.value)
    : { ok: false, refusal: missing }
}

/** What past runs say of the memory that is asked for; nothing of more than enough where nobody asked for it. */
function adviceFor(
  ctx: BrainContext,
  owner: string,
  { name, memBytes }: JobSpec,
  request: JobRequest,
): string | null {
  const past = pastOf(name, ctx.state.peaks.of(owner, name), memBytes)
  const isTold = request.memBytes !== undefined || (past?.peakMemBytes ?? 0) > memBytes / 2
  return isTold ? (past?.advice ?? null) : null
}

export const shapeOf = (ctx: BrainContext, owner: string, spec: JobSpec): LiveJob['shape'] =>
  ctx.state.shapeOf({
    owner,
    queue: spec.queue,
    slots: spec.slots,
    memBytes: spec.memBytes,
    where: spec.where,
    resources: asksOf(spec.resources),
    spread: spec.kind === 'continuous',
  })

function remembered<K, V>(known: Map<K, V>, key: K, ask: (key: K) => V): V {
  const answer = known.get(key)
  if (answer !== undefined) return answer
  const fresh = ask(key)
  known.set(key, fresh)
  return fresh
}

const isFree: Result<readonly Dependency[]> = done([])

/**
 * A continuous job's name is unique among the owner's live continuous jobs, that of a job submitted with `once` among
 * all of them. Those that are being stopped do not count: the new job waits for their end.
 */
function freeName(
  ctx: BrainContext,
  owner: string,
  { kind, name }: JobSpec,
  once: boolean,
): Result<readonly Dependency[]> {
  if (kind !== 'continuous' && !once) return isFree
  const ends: Dependency[] = []
  for (const other of ctx.state.named(owner, name)) {
    if (!once && other.kind !== 'continuous') continue
    if (other.wanted.what !== 'stop') return takenBy(other)
    ends.push({ job: other.id, on: 'any' })
  }
  return done(ends)
}

function takenBy({ id, kind, name }: LiveJob): ReturnType<typeof refuse> {
  if (kind === 'continuous') {
    return refuse(
      'name-taken',
      `your continuous job ${id} has the name "${name}"`,
      `choose another --name, stop it with \`eg stop ${id}\`, or start it afresh with \`eg restart ${id}\``,
    )
  }
  const detail = `your job ${id} has the name "${name}", and only one at a time is wanted`
  return refuse('name-taken', detail, `wait for its end, or stop it with \`eg stop ${id}\``)
}

/** Of nearly all jobs, and never changed in place. */
const waitsForNone: LiveJob['after'] = []

/** Never changed in place: what was submitted in one moment shares one. */
let newestWanted: LiveJob['wanted'] = { what: 'run', by: '', why: '', at: 0 }

function wantedOf(owner: string, hold: boolean, at: number): LiveJob['wanted'] {
  if (hold) return { what: 'hold', by: owner, why: 'submitted with --hold', at }
  if (newestWanted.by !== owner || newestWanted.at !== at)
    newestWanted = { what: 'run', by: owner, why: '', at }
  return newestWanted
}

function newJob(
  ctx: BrainContext,
  owner: string,
  spec: JobSpec,
  shape: LiveJob['shape'],
  from: FromSchedule | null,
  at: number,
): LiveJob {
  const id = ctx.state.nextJob
  ctx.state.nextJob += 1
  return {
    id,
    owner,
    name: spec.name,
    kind: spec.kind,
    queue: spec.queue,
    submittedAt: at,
    schedule: from?.schedule.name ?? null,
    dueAt: from?.dueAt ?? null,
    array: spec.array,
    shape,
    priority: spec.priority,
    startedAt: null,
    finishedAt: null,
    beginAt: spec.beginAt === null ? null : Date.parse(spec.beginAt),
    wanted: wantedOf(owner, spec.hold, at),
    after: spec.after.length === 0 ? waitsForNone : spec.after,
    maxRunning: spec.maxRunning,
    retry: spec.retry,
    restart: spec.restart,
    onPartition: spec.onPartition,
    exits: spec.exits ?? null,
    restartOrder: null,
    untouched: untouchedOf(spec.array),
    tasks: null,
    placed: 0,
    ended: noneEnded,
    worst: null,
    cancelled: null,
    epochBase: 0,
    remindAt: null,
    restarts: 0,
  }
}

/** What a schedule submits is told by its ledger. */
function auditSubmit(
  ctx: BrainContext,
  caller: Caller,
  { id, owner, name, kind }: LiveJob,
  tasks: number,
): void {
  const after = { name, kind, tasks }
  audit(ctx, caller, { what: 'submit', about: `job ${id}`, job: id, owner, before: null, after })
}
