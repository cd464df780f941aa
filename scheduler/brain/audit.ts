/** The audit log: every change that a person makes, written in the same commit as the change. */
import { iso } from '../../proto/ids.ts'
import type { AuditEntry } from '../../proto/rights.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { AuditRow } from '../store/change.ts'
import { noPage, type Call, type Caller } from './call.ts'
import type { BrainContext } from './context.ts'

export type Audited = {
  /** As one types it after `eg`. */
  what: string
  about: string
  job?: number
  toJob?: number
  /** Whose it is; left out of nodes and of the grid. */
  owner?: string
  before: unknown
  after: unknown
}

/** Call in the turn that makes the change. */
export function audit(ctx: BrainContext, caller: Caller, entry: Audited): void {
  const { what, about, job = null, toJob = null, owner = null, before, after } = entry
  ctx.state.lastAudit += 1
  ctx.journal.change({
    put: 'audit',
    row: {
      id: ctx.state.lastAudit,
      at: ctx.clock.now(),
      by: caller.owner,
      rights: caller.rights,
      from: caller.from,
      what,
      about,
      job,
      toJob,
      owner,
      own: owner === caller.owner,
      beforeJson: JSON.stringify(before ?? null),
      afterJson: JSON.stringify(after ?? null),
    },
  })
}

export type OfJob = {
  job: number
  task: number | null
  owner: string
  before: unknown
  after: unknown
}

/** One entry for neighbouring jobs to which the same was done: ten thousand need no ten thousand entries. */
export function auditJobs(
  ctx: BrainContext,
  caller: Caller,
  what: string,
  deeds: readonly OfJob[],
): void {
  let stretch: OfJob[] = []
  const tell = () => {
    const [first] = stretch
    const last = stretch.at(-1)
    if (!first || !last) return
    const { job, task, owner, before, after } = first
    const isOne = stretch.length === 1
    audit(ctx, caller, {
      what,
      about: isOne ? `job ${job}${task === null ? '' : `.${task}`}` : `jobs ${job}-${last.job}`,
      job,
      ...(isOne ? {} : { toJob: last.job }),
      owner,
      before,
      after,
    })
  }
  for (const deed of deeds) {
    const last = stretch.at(-1)
    if (last && !goesOn(last, deed)) {
      tell()
      stretch = []
    }
    stretch.push(deed)
  }
  tell()
}

const goesOn = (last: OfJob, next: OfJob): boolean =>
  next.job === last.job + 1 &&
  next.task === null &&
  last.task === null &&
  next.owner === last.owner &&
  JSON.stringify([next.before, next.after]) === JSON.stringify([last.before, last.after])

const usualLimit = 100

export async function listAudit(
  ctx: BrainContext,
  { caller, query }: Call<'listAudit'>,
): Promise<Result<{ entries: AuditEntry[]; next: string | null }>> {
  const before = query.page === undefined ? null : Number(query.page)
  if (before !== null && !Number.isSafeInteger(before)) return noPage(query.page ?? '')
  const limit = query.limit ?? usualLimit
  const { by = null, owner = null, what = null, job = null } = query
  const [since = null, until = null] = [query.since, query.until].map((text) =>
    text === undefined ? null : Date.parse(text),
  )
  if (Number.isNaN(since) || Number.isNaN(until))
    return refuse('invalid', 'no such time', 'write it as 2026-11-23T08:00:00Z')
  await ctx.journal.settled()
  const rows = await ctx.store.query('audit', {
    reader: caller.rights === 'user' ? caller.owner : null,
    by,
    owner,
    what,
    about: query.node === undefined ? null : `node ${query.node}`,
    job,
    since,
    until,
    before,
    limit: limit + 1,
  })
  const page = rows.slice(0, limit)
  const entries = page.map(entryOf)
  return done({ entries, next: rows.length > limit ? String(page.at(-1)?.id) : null })
}

function entryOf(row: AuditRow): AuditEntry {
  const { id, at, by, rights, from, what, about, job, toJob, owner } = row
  const before: unknown = JSON.parse(row.beforeJson)
  const after: unknown = JSON.parse(row.afterJson)
  return { id, at: iso(at), by, rights, from, what, about, job, toJob, owner, before, after }
}
