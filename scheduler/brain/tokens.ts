/** Tokens that people make for their programs. The scheduler knows their hashes, never themselves. */
import { iso } from '../../proto/ids.ts'
import type { Scope, TokenView } from '../../proto/token.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { ApiTokenRow } from '../store/change.ts'
import { audit } from './audit.ts'
import type { Call, Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { couldOn } from './roles.ts'
import { mayChange, notYours } from './select.ts'

/** Live ones of one owner. */
const mostTokens = 100
/** Revoked and expired ones of one owner, which are told what they are; the oldest is forgotten. */
const mostDead = 100

export function listTokens(
  ctx: BrainContext,
  { caller, query }: Call<'listTokens'>,
): Result<{ tokens: TokenView[] }> {
  if (query.all === true && !mayChange(caller, '*')) {
    const detail = `only operators (${couldOn(ctx).operators}) see the tokens of others`
    return refuse('forbidden', detail)
  }
  const tokens = [...ctx.state.tokens.values()]
  const shown = tokens.filter(({ owner }) => query.all === true || owner === caller.owner)
  return done({ tokens: shown.map(viewOf) })
}

export function createToken(
  ctx: BrainContext,
  { caller, body }: Call<'createToken'>,
): Result<TokenView> {
  const { owner } = caller
  const now = ctx.clock.now()
  const mine = [...ctx.state.tokens.values()].filter((token) => token.owner === owner)
  const live = mine.filter((token) => isLive(token, now))
  if (live.some(({ name }) => name === body.name)) {
    const hint = `choose another name, or end that one: \`eg token revoke ${body.name}\``
    return refuse('name-taken', `you have a token "${body.name}"`, hint)
  }
  if (live.length >= mostTokens)
    return refuse('over-quota', `you have ${mostTokens} tokens`, 'revoke those that are not used')
  for (const token of mine.filter((one) => !isLive(one, now)).slice(0, -mostDead))
    forget(ctx, token)
  ctx.state.lastToken += 1
  const row: ApiTokenRow = {
    id: ctx.state.lastToken,
    hash: body.hash,
    owner,
    name: body.name,
    scopesJson: JSON.stringify([...new Set(body.scopes)]),
    createdAt: now,
    expiresAt: now + body.expiresInMs,
    revokedAt: null,
    revokedBy: null,
  }
  put(ctx, row)
  const view = viewOf(row)
  const after = { name: row.name, scopes: view.scopes, expiresAt: view.expiresAt }
  tell(ctx, caller, 'token create', row, null, after)
  return done(view)
}

export function revokeToken(
  ctx: BrainContext,
  { caller, params }: Call<'revokeToken'>,
): Result<TokenView> {
  const row = ctx.state.tokens.get(Number(params.token))
  if (!row) return refuse('not-found', `there is no token ${params.token}`, 'see `eg token list`')
  if (!mayChange(caller, row.owner)) return notYours(ctx, `token ${row.id}`, row.owner)
  if (row.revokedAt !== null)
    return refuse('wrong-state', `token ${row.id} was revoked at ${iso(row.revokedAt)}`)
  const revoked = { ...row, revokedAt: ctx.clock.now(), revokedBy: caller.owner }
  put(ctx, revoked)
  tell(ctx, caller, 'token revoke', row, { revoked: false }, { revoked: true })
  return done(viewOf(revoked))
}

const isLive = ({ revokedAt, expiresAt }: ApiTokenRow, now: number) =>
  revokedAt === null && expiresAt > now

function forget(ctx: BrainContext, { id }: ApiTokenRow): void {
  ctx.state.tokens.delete(id)
  ctx.journal.change({ drop: 'apiToken', id })
}

function put(ctx: BrainContext, row: ApiTokenRow): void {
  ctx.state.tokens.set(row.id, row)
  ctx.journal.change({ put: 'apiToken', row })
}

function tell(
  ctx: BrainContext,
  caller: Caller,
  what: string,
  { id, owner, name }: ApiTokenRow,
  before: unknown,
  after: unknown,
): void {
  audit(ctx, caller, { what, about: `token ${id} of ${owner}`, owner, before, after })
  const verb = what === 'token create' ? 'made' : 'revoked'
  note(ctx, `token-${verb}`, `token ${id} "${name}" ${verb}`, { owner, by: caller.owner })
}

const scopesOf = ({ scopesJson }: ApiTokenRow): Scope[] => JSON.parse(scopesJson) as Scope[]

function viewOf(row: ApiTokenRow): TokenView {
  const { id, name, owner, createdAt, expiresAt, revokedAt, revokedBy } = row
  return {
    id,
    name,
    owner,
    scopes: scopesOf(row),
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    revoked: revokedAt === null ? null : { at: iso(revokedAt), by: revokedBy ?? owner },
  }
}
