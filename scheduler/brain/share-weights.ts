/** What owners and groups weigh in fair shares, as managers say it, and everybody's share as it is shown. */
import type { SharesRequest, SharesView } from '../../proto/shares.ts'
import { byStanding, ShareTree } from '../core/placement/share-tree.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'

/** Kept in meta under `shareTree`, as JSON. */
export type StoredTree = {
  owners: Record<string, number>
  groups: Record<string, number>
  /** Null: as the settings of the site say. */
  halfLifeMs: number | null
}

export function loadShareTree(ctx: BrainContext, json: string | undefined): void {
  ctx.state.shares.tree = new ShareTree(ctx.quotas.members)
  if (json !== undefined) apply(ctx, JSON.parse(json) as StoredTree)
}

function apply({ state, settings }: BrainContext, stored: StoredTree): void {
  const { owners, groups, halfLifeMs } = stored
  state.shares.tree.weights = {
    owners: new Map(Object.entries(owners)),
    groups: new Map(Object.entries(groups)),
  }
  state.saidHalfLifeMs = halfLifeMs
  state.shares.halfLifeMs = halfLifeMs ?? settings.shareHalfLifeMs
}

function storedTree({ state }: BrainContext): StoredTree {
  const { owners, groups } = state.shares.tree.weights
  return {
    owners: Object.fromEntries(owners),
    groups: Object.fromEntries(groups),
    halfLifeMs: state.saidHalfLifeMs,
  }
}

export async function setShares(
  ctx: BrainContext,
  caller: Caller,
  request: SharesRequest,
): Promise<Result<SharesView>> {
  const { owners = {}, groups = {}, halfLifeMs, why = '' } = request
  if (Object.keys(owners).length + Object.keys(groups).length === 0 && halfLifeMs === undefined)
    return refuse('invalid', 'nothing is said about any weight', 'write for example anna=2')
  // Asked before anything changes: a commit must not wait for the machine's directory.
  for (const [group, weight] of Object.entries(groups))
    if (weight !== null)
      ctx.quotas.members.set(group, new Set(await ctx.settings.groupMembers(group)))
  const before = storedTree(ctx)
  const after: StoredTree = {
    owners: changed(before.owners, owners),
    groups: changed(before.groups, groups),
    halfLifeMs: halfLifeMs === undefined ? before.halfLifeMs : halfLifeMs,
  }
  apply(ctx, after)
  ctx.journal.change({ put: 'meta', key: 'shareTree', value: JSON.stringify(after) })
  audit(ctx, caller, { what: 'shares set', about: 'fair shares', before, after })
  note(ctx, 'shares-set', `fair shares: ${said(request)}${why === '' ? '' : `: ${why}`}`, {
    by: caller.owner,
  })
  ctx.wake()
  return showShares(ctx)
}

const changed = (
  before: Readonly<Record<string, number>>,
  said: Readonly<Record<string, number | null>>,
): Record<string, number> =>
  Object.fromEntries(
    Object.entries({ ...before, ...said }).flatMap(([name, weight]) =>
      weight === null ? [] : [[name, weight] as const],
    ),
  )

function said({ owners = {}, groups = {}, halfLifeMs }: SharesRequest): string {
  const weight = ([name, value]: [string, number | null]) => `${name} weighs ${value ?? 'as usual'}`
  const parts = [
    ...Object.entries(owners).map(weight),
    ...Object.entries(groups).map(([name, value]) => weight([`group ${name}`, value])),
  ]
  if (halfLifeMs !== undefined)
    parts.push(`half-life ${halfLifeMs === null ? 'as usual' : `${halfLifeMs} ms`}`)
  return parts.join(', ')
}

export function showShares(ctx: BrainContext): Result<SharesView> {
  const { shares, use, nodes } = ctx.state
  const { tree } = shares
  const sums = shares.ofGroups()
  const owners = [...new Set([...shares.owners(), ...use.owners()])].map((owner) => ({
    owner,
    sum: shares.of(owner),
    weight: tree.ofOwner(owner),
    standing: shares.standing(owner, sums),
  }))
  const groups = [...tree.weights.groups].map(([group, weight]) => {
    const members = owners.filter(({ standing }) => standing.group === group)
    return { group, weight, sum: total(members, 'sum'), inside: total(members, 'weight') }
  })
  const present = [
    ...owners.filter(({ standing }) => standing.group === null),
    ...groups.filter(({ inside }) => inside > 0),
  ]
  const part = total(owners, 'sum') / (total(present, 'weight') || 1)
  const partOf = (group: string | null, weight: number): number => {
    const found = groups.find((one) => one.group === group)
    return found === undefined ? part * weight : (part * found.weight * weight) / found.inside
  }
  const inOrder = owners.sort(
    (a, b) => byStanding(a.standing, b.standing) || (a.owner < b.owner ? -1 : 1),
  )
  return done({
    halfLifeMs: shares.halfLifeMs,
    slots: [...nodes.values()].reduce((sum, { facts }) => sum + (facts?.slots ?? 0), 0),
    owners: inOrder.map(({ owner, sum, weight, standing: { group, own } }) => ({
      owner,
      group,
      weight,
      slots: shares.held(owner).slots,
      pending: use.of(owner).pending,
      average: shares.average(owner),
      share: own,
      debt: sum - partOf(group, weight),
    })),
    groups: groups
      .map(({ group, weight, sum, inside }) => {
        const debt = inside > 0 ? sum - part * weight : 0
        return { group, weight, share: sum / weight, debt }
      })
      .sort((a, b) => a.share - b.share || (a.group < b.group ? -1 : 1)),
  })
}

const total = <K extends string>(of: readonly Record<K, number>[], what: K): number =>
  of.reduce((sum, one) => sum + one[what], 0)
