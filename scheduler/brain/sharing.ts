/** Co-maintainers: members of a unix group that an owner named see, stop and restart its jobs. */
import { iso, parseJobRef } from '../../proto/ids.ts'
import type { SharingView } from '../../proto/sharing.ts'
import { done, refuse, type Refused, type Result } from '../core/result.ts'
import type { SharingRow } from '../store/change.ts'
import { audit } from './audit.ts'
import type { Call, Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { findJob } from './reads.ts'
import { couldOn } from './roles.ts'
import { mayChange, notYours } from './select.ts'

const mostOfOwner = 100

const groupsFor = (ctx: BrainContext, owner: string, job: number | null): string[] =>
  (ctx.state.sharing.get(owner) ?? [])
    .filter((row) => job === null || row.job === 0 || row.job === job)
    .map(({ group }) => group)

/** May see its output, stop and restart it. Without a job: some of the owner's. */
export function mayMaintain(
  ctx: BrainContext,
  caller: Caller,
  owner: string,
  job: number | null,
): boolean {
  if (mayChange(caller, owner)) return true
  const { groups = [] } = caller
  return groups.length > 0 && groupsFor(ctx, owner, job).some((group) => groups.includes(group))
}

export function notMaintained(
  ctx: BrainContext,
  what: string,
  owner: string,
  job: number | null,
): Refused {
  const groups = [...new Set(groupsFor(ctx, owner, job))]
  const members = groups.length === 0 ? '' : `, members of the unix group ${groups.join(' or ')}`
  return refuse(
    'forbidden',
    `${what} belongs to ${owner}`,
    `only ${owner}${members} and operators (${couldOn(ctx).operators}) may do this; ` +
      `${owner} lets others in with \`eg share add GROUP\``,
  )
}

export function listSharing(
  ctx: BrainContext,
  { caller }: Call<'listSharing'>,
): Result<{ sharing: SharingView[]; withMe: SharingView[] }> {
  const { owner, groups = [] } = caller
  const others = [...ctx.state.sharing.values()].flat().filter((row) => row.owner !== owner)
  return done({
    sharing: (ctx.state.sharing.get(owner) ?? []).map(viewOf),
    withMe: others.filter(({ group }) => groups.includes(group)).map(viewOf),
  })
}

export async function addSharing(
  ctx: BrainContext,
  { caller, body }: Call<'addSharing'>,
): Promise<Result<SharingView>> {
  const found = await subjectOf(ctx, caller, body)
  if (!found.ok) return found
  const problem = await ctx.settings.accounts?.problemOfGroup(body.group)
  if (problem) return { ok: false, refusal: problem }
  const { owner, job } = found.value
  const rows = ctx.state.sharing.get(owner) ?? []
  const present = rows.find((row) => row.group === body.group && row.job === job)
  if (present) return done(viewOf(present))
  if (rows.length >= mostOfOwner)
    return refuse(
      'over-quota',
      `${owner} shares ${mostOfOwner} times already`,
      'see `eg share list`',
    )
  const row = { owner, job, group: body.group, by: caller.owner, at: ctx.clock.now() }
  ctx.state.sharing.set(owner, [...rows, row])
  ctx.journal.change({ put: 'sharing', row })
  tell(ctx, caller, 'add', row)
  return done(viewOf(row))
}

export async function removeSharing(
  ctx: BrainContext,
  { caller, params, query }: Call<'removeSharing'>,
): Promise<Result<Record<string, never>>> {
  // By its number, so that what was shared of a job that is no longer kept can be undone.
  const number = query.job === undefined ? null : parseJobRef(query.job)
  const found =
    number?.kind === 'number' && number.job > 0
      ? subjectByNumber(ctx, caller, query.owner ?? caller.owner, number.job)
      : await subjectOf(ctx, caller, query)
  if (!found.ok) return found
  const { owner, job } = found.value
  const rows = ctx.state.sharing.get(owner) ?? []
  const row = rows.find((one) => one.group === params.group && one.job === job)
  if (!row) {
    const what = job === 0 ? `jobs of ${owner}` : `job ${job}`
    return refuse('not-found', `${what} are not shared with ${params.group}`, 'see `eg share list`')
  }
  const left = rows.filter((one) => one !== row)
  if (left.length === 0) ctx.state.sharing.delete(owner)
  else ctx.state.sharing.set(owner, left)
  ctx.journal.change({ drop: 'sharing', owner, job, group: row.group })
  tell(ctx, caller, 'remove', row)
  return done({})
}

/** Whose jobs, and which: 0 for all of them. Members of the group may not share on. */
async function subjectOf(
  ctx: BrainContext,
  caller: Caller,
  asked: { owner?: string; job?: string },
): Promise<Result<{ owner: string; job: number }>> {
  const owner = asked.owner ?? caller.owner
  if (!mayChange(caller, owner)) return notYours(ctx, 'what is shared', owner)
  if (asked.job === undefined) return done({ owner, job: 0 })
  const found = await findJob(ctx, { ...caller, owner }, asked.job)
  if (!found.ok) return found
  const { live, row } = found.value
  const job = live ?? row
  return job.owner === owner
    ? done({ owner, job: job.id })
    : notYours(ctx, `job ${job.id}`, job.owner)
}

const subjectByNumber = (
  ctx: BrainContext,
  caller: Caller,
  owner: string,
  job: number,
): Result<{ owner: string; job: number }> =>
  mayChange(caller, owner) ? done({ owner, job }) : notYours(ctx, 'what is shared', owner)

function tell(ctx: BrainContext, caller: Caller, verb: 'add' | 'remove', row: SharingRow): void {
  const { owner, job, group } = row
  const what = job === 0 ? 'all jobs' : `job ${job}`
  const shared = { group, jobs: what }
  audit(ctx, caller, {
    what: `share ${verb}`,
    about: `sharing of ${owner}`,
    ...(job === 0 ? {} : { job }),
    owner,
    before: verb === 'add' ? null : shared,
    after: verb === 'add' ? shared : null,
  })
  const said = verb === 'add' ? 'shared' : 'no more shared'
  note(ctx, `sharing-${verb === 'add' ? 'added' : 'removed'}`, `${what} ${said} with ${group}`, {
    owner,
    by: caller.owner,
    ...(job === 0 ? {} : { job }),
  })
}

const viewOf = ({ owner, job, group, by, at }: SharingRow): SharingView => ({
  owner,
  group,
  job: job === 0 ? null : job,
  by,
  at: iso(at),
})
