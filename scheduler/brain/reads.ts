/** Reads: live work from memory, finished work from the store. */
import { parseJobRef } from '../../proto/ids.ts'
import type { ArrayRange, Explanation, JobSummary } from '../../proto/job.ts'
import { globTest } from '../core/glob.ts'
import { done, refuse, type Refused, type Result } from '../core/result.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { JobRow } from '../store/change.ts'
import { noPage, notOwn, type Call, type Caller } from './call.ts'
import type { BrainContext } from './context.ts'
import { explainLive } from './explain-live.ts'
import { noUnfinished, notUnfinished } from './select.ts'
import { factsOf } from './stored.ts'
import { finishedSummary, liveSummary, unfinishedOf } from './views.ts'

/** A job whether it lives or not. */
export type Found = { live: LiveJob; row: null } | { live: null; row: JobRow }

export async function findJob(
  ctx: BrainContext,
  caller: Caller,
  text: string,
): Promise<Result<Found & { index: number | null }>> {
  const ref = parseJobRef(text)
  const index = ref.kind === 'number' ? ref.index : null
  const id = ref.kind === 'number' ? ref.job : ctx.state.newest(caller.owner, ref.name)
  const live = id === null ? undefined : ctx.state.jobs.get(id)
  const refused = (owner: string): Result<never> | null =>
    caller.ownOnly === true && owner !== caller.owner
      ? { ok: false, refusal: notOwn(caller.owner) }
      : null
  if (live)
    return (
      refused(live.owner) ?? noTask(live.id, live.array, index) ?? done({ live, row: null, index })
    )
  await ctx.journal.settled()
  const row =
    ref.kind === 'number'
      ? await ctx.store.query('job', { id: ref.job })
      : await ctx.store.query('newestByName', { owner: caller.owner, name: ref.name })
  if (row === null) {
    return refuse(
      'not-found',
      `there is no job "${text}"`,
      'list live ones with `eg jobs`, finished ones with `eg history`',
    )
  }
  const { array } = factsOf(row.factsJson, row)
  return refused(row.owner) ?? noTask(row.id, array, index) ?? done({ live: null, row, index })
}

function noTask(job: number, array: ArrayRange | null, index: number | null): Refused | null {
  const { from, to, step } = array ?? { from: 1, to: 1, step: 1 }
  if (index === null || (index >= from && index <= to && (index - from) % step === 0)) return null
  return refuse(
    'not-found',
    `job ${job} has no task ${index}`,
    `see those that it has with \`eg show ${job}\``,
  )
}

export async function listJobs(
  ctx: BrainContext,
  { caller, query }: Call<'listJobs'>,
): Promise<Result<{ jobs: JobSummary[]; next: string | null }>> {
  const owner = query.owner ?? (query.all === true ? null : caller.owner)
  if (query.finished === true || query.state === 'finished') return listFinished(ctx, query, owner)
  const after = query.page === undefined ? 0 : Number(query.page)
  if (!Number.isSafeInteger(after)) return noPage(query.page ?? '')
  const limit = query.limit ?? 10_000
  const nameFits = query.name === undefined ? null : globTest(query.name)
  const jobs: JobSummary[] = []
  let next: string | null = null
  // Jobs live in memory in the order of their numbers.
  for (const job of ctx.state.jobs.values()) {
    if (job.id <= after || (owner !== null && job.owner !== owner)) continue
    if (query.kind !== undefined && job.kind !== query.kind) continue
    if (query.schedule !== undefined && job.schedule !== query.schedule) continue
    if (nameFits && !nameFits(job.name)) continue
    const summary = liveSummary(job)
    if (query.state !== undefined && summary.state !== query.state) continue
    if (jobs.length === limit) {
      next = String(jobs.at(-1)?.id ?? after)
      break
    }
    jobs.push(query.tasks === true ? { ...summary, unfinished: unfinishedOf(job) } : summary)
  }
  return done({ jobs, next })
}

async function listFinished(
  ctx: BrainContext,
  query: Call<'listJobs'>['query'],
  owner: string | null,
): Promise<Result<{ jobs: JobSummary[]; next: string | null }>> {
  const limit = Math.min(query.limit ?? 100, 10_000)
  const place = /^(\d{1,15})\.(\d{1,15})$/.exec(query.page ?? '')
  if (query.page !== undefined && place === null) return noPage(query.page)
  const before = place && { finishedAt: Number(place[1]), id: Number(place[2]) }
  await ctx.journal.settled()
  const { kind = null, name = null, schedule = null } = query
  const rows = await ctx.store.query('finished', {
    owner,
    kind,
    name,
    schedule,
    before,
    limit: limit + 1,
  })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const next = rows.length > limit && last ? `${last.finishedAt}.${last.id}` : null
  const jobs = page.map(({ lastNode, ...row }) => ({ ...finishedSummary(row), node: lastNode }))
  return done({ jobs, next })
}

export async function waitJob(
  ctx: BrainContext,
  call: Call<'waitJob'>,
): Promise<Result<JobSummary>> {
  const found = await findJob(ctx, call.caller, call.params.job)
  if (!found.ok) return found
  const { live, row } = found.value
  if (row) return done(finishedSummary(row))
  if (!ctx.state.jobs.has(live.id)) return done(liveSummary(live))
  const timeoutMs = call.query.timeoutMs ?? 30_000
  await new Promise<void>((resolve) => {
    const waiters = ctx.finishWaiters.get(live.id) ?? new Set()
    ctx.finishWaiters.set(live.id, waiters)
    const finished = (): void => {
      cancel()
      resolve()
    }
    const cancel = ctx.clock.after(timeoutMs, () => {
      waiters.delete(finished)
      resolve()
    })
    waiters.add(finished)
  })
  return done(liveSummary(live))
}

export async function explainJob(
  ctx: BrainContext,
  call: Call<'explainJob'>,
): Promise<Result<Explanation>> {
  const found = await findJob(ctx, call.caller, call.params.job)
  if (!found.ok) return found
  const { live, row, index } = found.value
  if (live) return noUnfinished(live, index) ?? done(explainLive(ctx, live, index))
  if (index !== null) return notUnfinished(row.id, index)
  const { state, reason, outcome } = finishedSummary(row)
  return done({
    job: row.id,
    state,
    summary: `${outcome}${reason ? `: ${reason}` : ''}`,
    reasons: [],
    wayOut: null,
    ahead: null,
  })
}
