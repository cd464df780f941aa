/** Roles: who is operator or manager beside the account that runs the grid. */
import { iso } from '../../proto/ids.ts'
import type { Role, RoleView } from '../../proto/rights.ts'
import { operatorsGroup, whoCould, type WhoCould } from '../core/identity/who-could.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'

const makerOf = (ctx: BrainContext): string => ctx.settings.accounts?.maker ?? 'root'

export const couldOn = (ctx: BrainContext): WhoCould =>
  whoCould({ maker: makerOf(ctx), roles: ctx.state.roles })

export function listRoles(ctx: BrainContext): { roles: RoleView[]; operatorsGroup: string } {
  const granted = [...ctx.state.roles.values()]
    .toSorted((a, b) => (a.owner < b.owner ? -1 : 1))
    .map(({ owner, role, by, at }) => ({ owner, role, by, at: iso(at) }))
  const maker: RoleView = { owner: makerOf(ctx), role: 'manager', by: null, at: null }
  return { roles: [maker, ...granted], operatorsGroup }
}

/** Asked of the machine first: a name with a typing error may be somebody's some day. */
export async function grantRole(
  ctx: BrainContext,
  caller: Caller,
  { owner, role }: { owner: string; role: Role },
): Promise<Result<RoleView>> {
  const problem = await ctx.settings.accounts?.problemOf(owner)
  if (problem) return { ok: false, refusal: problem }
  if (owner === makerOf(ctx))
    return refuse('wrong-state', `${owner} runs this grid and is its manager`)
  const before = ctx.state.roles.get(owner)
  if (before?.role === 'manager' && role === 'operator') {
    return refuse(
      'wrong-state',
      `${owner} is a manager, who may do all that operators may`,
      `take that role first: \`eg role revoke ${owner}\``,
    )
  }
  const row =
    before?.role === role ? before : { owner, role, by: caller.owner, at: ctx.clock.now() }
  if (row !== before) {
    ctx.state.roles.set(owner, row)
    ctx.journal.change({ put: 'role', row })
    tell(ctx, caller, 'role grant', owner, before?.role ?? null, role)
    note(ctx, 'role-granted', `${owner} is ${role}`, { owner, by: caller.owner })
  }
  return done({ ...row, at: iso(row.at) })
}

export function revokeRole(
  ctx: BrainContext,
  caller: Caller,
  owner: string,
): Result<Record<string, never>> {
  if (owner === makerOf(ctx))
    return refuse('wrong-state', `${owner} runs this grid and stays its manager`)
  const before = ctx.state.roles.get(owner)
  if (before === undefined) {
    return refuse(
      'not-found',
      `${owner} has no role here`,
      `see \`eg role list\`; members of the unix group ${operatorsGroup} lose their rights by leaving it`,
    )
  }
  ctx.state.roles.delete(owner)
  ctx.journal.change({ drop: 'role', owner })
  tell(ctx, caller, 'role revoke', owner, before.role, null)
  note(ctx, 'role-revoked', `${owner} is ${before.role} no more`, { owner, by: caller.owner })
  return done({})
}

function tell(
  ctx: BrainContext,
  caller: Caller,
  what: string,
  owner: string,
  before: Role | null,
  after: Role | null,
): void {
  const about = `role of ${owner}`
  audit(ctx, caller, { what, about, owner, before: { role: before }, after: { role: after } })
}
