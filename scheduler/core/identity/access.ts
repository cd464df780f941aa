/** Who may call what: one table, and the sentences that say who could and how. */
import type { Refusal } from '../../../proto/errors.ts'
import type { Rights } from '../../../proto/rights.ts'
import type { Route } from '../../../proto/route.ts'
import { refuseScope, type TokenFacts } from './scope.ts'
import type { WhoCould } from './who-could.ts'

/** As whom a caller has proven itself. */
export type Known =
  | {
      kind: 'person'
      owner: string
      rights: Rights
      token: TokenFacts | null
      /** Unix groups, where any owner shares with groups. */
      groups?: readonly string[]
    }
  /** `node`: the one that it is, by its own identity; null: any, by the secret of the data folder. */
  | { kind: 'node'; node: string | null }
/** Shows what was good once, and is told why it is not. */
export type Unknown = { kind: 'refused'; refusal: Refusal }

const rank: Record<Rights, number> = { user: 0, operator: 1, manager: 2 }

/** Null: go ahead. `proof` is how people are known on this grid. */
export function refuseAccess(
  route: Route,
  known: Known | Unknown | null,
  proof: 'secret' | 'file',
  could: WhoCould,
): Refusal | null {
  const { access } = route
  if (access === 'open') return null
  if (known?.kind === 'refused') return known.refusal
  if (known === null) return { code: 'unauthenticated', ...toBeKnown(access, proof) }
  if (access === 'node') {
    return known.kind === 'node'
      ? null
      : { code: 'forbidden', detail: 'only exec-nodes may call this, with the node secret' }
  }
  if (known.kind === 'node') {
    const detail = 'the node secret opens only what exec-nodes call; show your own bearer here'
    return { code: 'forbidden', detail }
  }
  const outOfScope = known.token && refuseScope(route, known.token)
  if (outOfScope) return outOfScope
  if (rank[known.rights] >= rank[access]) return null
  const who =
    access === 'operator' ? `operators (${could.operators})` : `managers (${could.managers})`
  return {
    code: 'forbidden',
    detail: `${known.owner} has the rights of ${known.rights === 'operator' ? 'an' : 'a'} ${known.rights}; only ${who} may do this`,
    hint:
      access === 'operator'
        ? 'ask one of them to do it, or a manager to make you an operator with `eg role grant`'
        : 'ask one of them to do it',
  }
}

function toBeKnown(
  access: Route['access'],
  proof: 'secret' | 'file',
): { detail: string; hint: string } {
  if (access === 'node') {
    return {
      detail: 'no valid node secret was shown',
      hint: 'the scheduler keeps it as node-secret in its data folder; give the exec-node a copy (0600)',
    }
  }
  return proof === 'secret'
    ? {
        detail:
          'this grid is private to the account that runs it: show the secret of its data folder',
        hint: 'as that account, eg finds it by itself, or by EVERGRID_DATA',
      }
    : {
        detail: 'no valid token was shown, or it has expired',
        hint: 'eg proves your account by itself; programs begin with POST /v1/login',
      }
}
