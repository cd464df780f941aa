/** What a token for a program opens: what its owner may, as far as its scopes go. */
import type { Refusal } from '../../../proto/errors.ts'
import type { Rights } from '../../../proto/rights.ts'
import type { Route } from '../../../proto/route.ts'
import { opens, type Scope } from '../../../proto/token.ts'

export type TokenFacts = { id: number; name: string; scopes: readonly Scope[] }

/** What a route wants of a token: a scope, any, or no token at all. */
function scopeOf({ scope, access, method }: Route): Scope | 'any' | 'none' {
  if (scope !== undefined) return scope
  if (access === 'operator') return 'operate'
  if (access === 'manager') return 'none'
  return method === 'GET' ? 'read-own' : 'manage-own'
}

export function refuseScope(route: Route, token: TokenFacts): Refusal | null {
  const wanted = scopeOf(route)
  if (wanted === 'any') return null
  if (wanted === 'none') {
    return {
      code: 'forbidden',
      detail: `no token may do this, and "${token.name}" is one`,
      hint: 'do it as yourself, without EVERGRID_TOKEN',
    }
  }
  if (token.scopes.some((scope) => opens[scope].includes(wanted))) return null
  return {
    code: 'forbidden',
    detail: `the token "${token.name}" is for ${token.scopes.join(', ')}; this needs ${wanted}`,
    hint: `make another with \`eg token create --scope ${wanted}\``,
  }
}

/** Without `operate` it is nobody's operator; with it no manager. */
export function rightsWith(token: TokenFacts, rights: Rights): Rights {
  if (!token.scopes.includes('operate')) return 'user'
  return rights === 'user' ? 'user' : 'operator'
}

export const isOwnOnly = (token: TokenFacts): boolean => !token.scopes.includes('operate')
