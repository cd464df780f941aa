/** Who a node is: tokens that let one join, identities of their own, and their end. */
import { iso } from '../../proto/ids.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { JoinTokenRow, NodeKeyRow } from '../store/change.ts'
import { audit } from './audit.ts'
import type { Call, Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { auditNode } from './node-audit.ts'

export function createJoinToken(
  ctx: BrainContext,
  { caller, body }: Call<'createJoinToken'>,
): Result<{ id: number; node: string | null; expiresAt: string }> {
  const now = ctx.clock.now()
  ctx.state.lastJoinToken += 1
  const { node, hash, expiresInMs } = body
  const id = ctx.state.lastJoinToken
  const expiresAt = now + expiresInMs
  const unused = { usedAt: null, usedBy: null }
  putToken(ctx, { id, hash, node, by: caller.owner, createdAt: now, expiresAt, ...unused })
  const after = { node, expiresAt: iso(expiresAt) }
  audit(ctx, caller, { what: 'node token', about: `join token ${id}`, before: null, after })
  return done({ id, node, expiresAt: iso(expiresAt) })
}

export type Join = {
  node: string
  /** Whose secret was shown. */
  token: JoinTokenRow
  /** Of the secret that the node has made for itself. */
  hash: string
  from: string
}

/** The token is used up and the identity taken in one commit. */
export function joinNode(
  ctx: BrainContext,
  { node, token, hash, from }: Join,
): Result<{ node: string; grid: string }> {
  const now = ctx.clock.now()
  const present = ctx.state.nodeKeys.get(node)
  // The reply to a join may be lost, and the node asks again.
  if (token.usedBy === node && present?.hash === hash) return done({ node, grid: ctx.state.grid })
  if (token.usedAt !== null) {
    const detail = `join token ${token.id} was used by ${token.usedBy} at ${iso(token.usedAt)}`
    return refuse('wrong-state', detail, anotherToken)
  }
  if (token.expiresAt <= now) {
    const detail = `join token ${token.id} expired at ${iso(token.expiresAt)}`
    return refuse('unauthenticated', detail, anotherToken)
  }
  if (token.node !== null && token.node !== node) {
    const detail = `join token ${token.id} is for ${token.node}, not for ${node}`
    return refuse('refused', detail, `start it with --name ${token.node}`)
  }
  // Only a token that names it may take the place of a node that is there.
  if (token.node === null && (present !== undefined || ctx.state.nodes.has(node))) {
    const hint = `choose another --name, or, if it is the same machine, \`eg node token --node ${node}\``
    return refuse('name-taken', `there is a node ${node} already`, hint)
  }
  putToken(ctx, { ...token, usedAt: now, usedBy: node })
  putKey(ctx, { node, hash, oldHash: null, since: now })
  const by = {
    owner: token.by,
    rights: 'operator',
    from: `${from}, join token ${token.id}`,
  } as const
  const before = { identity: present === undefined ? null : `since ${iso(present.since)}` }
  auditNode(ctx, by, 'join', { name: node }, before, { identity: `since ${iso(now)}` })
  note(ctx, 'node-joined', `${node} has an identity of its own`, { node, by: token.by })
  return done({ node, grid: ctx.state.grid })
}

const anotherToken = 'make another with `eg node token`'

export function renewNode(
  ctx: BrainContext,
  { body: { node, hash } }: Call<'renewNode'>,
): Result<Record<string, never>> {
  const present = ctx.state.nodeKeys.get(node)
  if (!present) return refuse('not-found', `${node} has no identity of its own to renew`)
  if (present.hash !== hash)
    putKey(ctx, { node, hash, oldHash: present.hash, since: ctx.clock.now() })
  return done({})
}

/** The new secret was shown: nobody needs the one before it. */
export function forgetOldKey(ctx: BrainContext, node: string): void {
  const present = ctx.state.nodeKeys.get(node)
  if (present && present.oldHash !== null) putKey(ctx, { ...present, oldHash: null })
}

export function revokeNode(
  ctx: BrainContext,
  { caller, params }: Call<'revokeNode'>,
): Result<Record<string, never>> {
  const { node } = params
  if (!ctx.state.nodeKeys.has(node)) {
    return ctx.state.nodes.has(node)
      ? refuse('wrong-state', `${node} has no identity of its own: it shows the node secret`)
      : refuse('not-found', `there is no node "${node}"`, 'list them with `eg nodes`')
  }
  dropKey(ctx, node)
  ctx.orders.sinkOf(node)?.close()
  tellRevoked(ctx, caller, node)
  return done({})
}

function tellRevoked(ctx: BrainContext, caller: Caller, node: string): void {
  const after = { identity: null }
  auditNode(ctx, caller, 'remove --revoke', { name: node }, { identity: 'its own' }, after)
  note(ctx, 'node-revoked', `the identity of ${node} is no longer good`, { node, by: caller.owner })
}

/** With the node itself. */
export function dropKey(ctx: BrainContext, node: string): void {
  if (ctx.state.nodeKeys.delete(node)) ctx.journal.change({ drop: 'nodeKey', node })
}

function putToken(ctx: BrainContext, row: JoinTokenRow): void {
  ctx.state.joinTokens.set(row.id, row)
  ctx.journal.change({ put: 'joinToken', row })
}

function putKey(ctx: BrainContext, row: NodeKeyRow): void {
  ctx.state.nodeKeys.set(row.node, row)
  ctx.journal.change({ put: 'nodeKey', row })
}
