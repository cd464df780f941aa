/** Quotas: what a submit is asked, what placing may give out, and what operators and managers say. */
import type { Refusal } from '../../proto/errors.ts'
import { iso } from '../../proto/ids.ts'
import type { JobSpec } from '../../proto/job.ts'
import { limitNames, type LimitName } from '../../proto/limits.ts'
import type { QuotaRequest, QuotaRule, QuotaView } from '../../proto/quota.ts'
import { tasksOf } from '../core/admission.ts'
import type { Bounds } from '../core/placement/place.ts'
import {
  neverWithin,
  overQuota,
  QuotaBook,
  subjectOf,
  subjectText,
  tooManyRequests,
  valueText,
  type BuiltIn,
  type Grant,
  type Limit,
  type Rules,
} from '../core/quota.ts'
import { done, refuse, type Refused, type Result } from '../core/result.ts'
import { waitingTasks } from '../state/live-job.ts'
import type { QuotaRow } from '../store/change.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { couldOn } from './roles.ts'

const shownJobs = 20

export function quotaBook(builtIn: BuiltIn, rows: readonly QuotaRow[]): QuotaBook {
  const book = new QuotaBook(builtIn)
  for (const { subject, dataJson } of rows) book.rules.set(subject, JSON.parse(dataJson) as Rules)
  return book
}

const limitOf = (ctx: BrainContext, owner: string, name: LimitName): Limit =>
  ctx.quotas.limit(owner, name, ctx.clock.now())

/** What placing may give each owner, and each queue, now. */
export const boundsOf = (ctx: BrainContext): Bounds => ({
  owner: (owner) => ({
    slots: limitOf(ctx, owner, 'slots').value ?? Infinity,
    memBytes: limitOf(ctx, owner, 'memory').value ?? Infinity,
  }),
  queue: (queue) => ctx.state.queues.get(queue)?.slots ?? Infinity,
})

/** Beside what it holds. */
export const slotsLeft = (ctx: BrainContext, owner: string): number =>
  (limitOf(ctx, owner, 'slots').value ?? Infinity) - ctx.state.shares.held(owner).slots

/** What keeps its tasks waiting, for explain and for warnings at submit. */
export const heldLimits = (ctx: BrainContext, owner: string) => ({
  slots: limitOf(ctx, owner, 'slots'),
  memory: limitOf(ctx, owner, 'memory'),
})

/** Null: the owner may have this job too. */
export const admitJob = (ctx: BrainContext, owner: string, spec: JobSpec): Refused | null =>
  countProblem(ctx, owner, 'jobs', 1) ??
  (spec.kind === 'continuous' ? countProblem(ctx, owner, 'continuous', 1) : null) ??
  countProblem(ctx, owner, 'pending', tasksOf(spec))

/** Of a job that would wait for ever. */
export const limitWarning = (ctx: BrainContext, owner: string, spec: JobSpec): string | null =>
  neverWithin(owner, spec, heldLimits(ctx, owner))

export const admitSchedules = (ctx: BrainContext, owner: string, more: number): Refused | null =>
  countProblem(ctx, owner, 'schedules', more)

/** More for what is placed already. */
export const admitMemory = (ctx: BrainContext, owner: string, more: number): Refusal | null =>
  countProblem(ctx, owner, 'memory', more)?.refusal ?? null

function countProblem(
  ctx: BrainContext,
  owner: string,
  name: LimitName,
  more: number,
): Refused | null {
  const used = usedOf(ctx, owner, name)
  const refusal = overQuota(owner, name, limitOf(ctx, owner, name), { used, more })
  return refusal && { ok: false, refusal }
}

/** Counts a request of a person; null: go ahead. */
export function admitRequest(
  ctx: BrainContext,
  owner: string,
): (Refused & { retryAfterMs: number }) | null {
  const limit = limitOf(ctx, owner, 'requests')
  const retryAfterMs = ctx.rates.take(owner, limit.value, ctx.clock.uptime())
  if (retryAfterMs === null) return null
  return { ok: false, refusal: tooManyRequests(owner, limit, retryAfterMs), retryAfterMs }
}

function usedOf(ctx: BrainContext, owner: string, name: LimitName): number {
  const { use, shares } = ctx.state
  switch (name) {
    case 'slots':
      return shares.held(owner).slots
    case 'memory':
      return shares.held(owner).memBytes
    case 'requests': {
      const limit = limitOf(ctx, owner, 'requests')
      return Math.ceil(ctx.rates.taken(owner, limit.value, ctx.clock.uptime()))
    }
    case 'jobs':
    case 'continuous':
    case 'schedules':
    case 'pending':
      return use.of(owner)[name]
    default:
      return name satisfies never
  }
}

export function showQuota(ctx: BrainContext, owner: string): Result<QuotaView> {
  const limits = limitNames.map((limit) => {
    const { value, from, until } = limitOf(ctx, owner, limit)
    const used = usedOf(ctx, owner, limit)
    return { limit, value, used, from, until: until === null ? null : iso(until) }
  })
  const jobs = [...ctx.state.namesOf(owner)]
    .flatMap((name) => [...ctx.state.named(owner, name)])
    .map((job) => ({
      job: job.id,
      name: job.name,
      slots: job.placed * job.shape.slots,
      memBytes: job.placed * job.shape.memBytes,
      placed: job.placed,
      pending: waitingTasks(job),
    }))
    .sort((a, b) => b.slots - a.slots || b.memBytes - a.memBytes || b.pending - a.pending)
  return done({ owner, limits, jobs: jobs.slice(0, shownJobs) })
}

export const listQuotas = (ctx: BrainContext): Result<{ rules: QuotaRule[] }> =>
  done({ rules: [...ctx.quotas.rules.keys()].sort().flatMap((subject) => rulesOf(ctx, subject)) })

function rulesOf(ctx: BrainContext, subject: string): QuotaRule[] {
  const rules = ctx.quotas.rules.get(subject)
  if (rules === undefined) return []
  return limitNames.flatMap((limit) =>
    [rules.standing[limit], rules.raised[limit]].flatMap((grant) =>
      grant === undefined || (grant.until ?? Infinity) <= ctx.clock.now()
        ? []
        : [{ subject: subjectOf(subject), limit, ...wordsOf(grant) }],
    ),
  )
}

/** For the audit log: the limits alone. */
const grantsOf = (rules: readonly QuotaRule[]) =>
  Object.fromEntries(
    rules.map(({ limit, value, until }) => [
      until === null ? limit : `${limit} until ${until}`,
      value,
    ]),
  )

const wordsOf = ({ value, until, by, at, why }: Grant) => ({
  value,
  until: until === null ? null : iso(until),
  by,
  at: iso(at),
  why,
})

export async function setQuota(
  ctx: BrainContext,
  caller: Caller,
  request: QuotaRequest,
): Promise<Result<{ rules: QuotaRule[] }>> {
  const problem = problemOf(ctx, caller, request)
  if (problem) return problem
  const { kind, name } = request.subject
  // Asked before anything changes: a commit must not wait for the machine's directory.
  const members = kind === 'group' ? await ctx.settings.groupMembers(name ?? '') : null
  if (members !== null) ctx.quotas.members.set(name ?? '', new Set(members))
  const now = ctx.clock.now()
  const { set = {}, unset = [], forMs, why = '' } = request
  const said: Partial<Record<LimitName, Omit<Grant, 'until'> | null>> = {}
  for (const limit of unset) said[limit] = null
  for (const limit of limitNames) {
    const value = set[limit]
    if (value !== undefined) said[limit] = { value, by: caller.owner, at: now, why }
  }
  const subject = subjectText(request.subject)
  const before = rulesOf(ctx, subject)
  ctx.quotas.say(subject, said, forMs === undefined ? null : now + forMs, now)
  const rules = ctx.quotas.rules.get(subject)
  ctx.journal.change(
    rules === undefined
      ? { drop: 'quota', subject }
      : { put: 'quota', row: { subject, dataJson: JSON.stringify(rules) } },
  )
  audit(ctx, caller, {
    what: 'quota set',
    about: `quota of ${kind === 'default' ? 'everybody' : `${kind} ${name}`}`,
    ...(kind === 'owner' && name !== null ? { owner: name } : {}),
    before: grantsOf(before),
    after: grantsOf(rulesOf(ctx, subject)),
  })
  note(ctx, 'quota-set', `${subject}: ${saidText(said)}${why === '' ? '' : `: ${why}`}`, {
    owner: kind === 'owner' ? name : null,
    by: caller.owner,
  })
  ctx.wake()
  return done({ rules: rulesOf(ctx, subject) })
}

const saidText = (said: Partial<Record<LimitName, { value: number | null } | null>>): string =>
  Object.entries(said)
    .map(([limit, grant]) =>
      grant === null
        ? `${limit} as usual`
        : `${limit} ${valueText(limit as LimitName, grant.value)}`,
    )
    .join(', ')

function problemOf(ctx: BrainContext, caller: Caller, request: QuotaRequest): Refused | null {
  const { subject, set = {}, unset = [], forMs } = request
  if ((subject.kind === 'default') !== (subject.name === null))
    return refuse('invalid', 'the default has no name, an owner and a group have one')
  if (Object.keys(set).length + unset.length === 0)
    return refuse('invalid', 'nothing is said about any limit', 'write for example jobs=500')
  const isRaise = subject.kind === 'owner' && forMs !== undefined
  if (caller.rights === 'manager' || isRaise) return null
  return refuse(
    'forbidden',
    'operators set limits of one owner and for a time; for good, and for groups and everybody, ' +
      `managers (${couldOn(ctx).managers}) do`,
    'say for how long: --for 7d',
  )
}
