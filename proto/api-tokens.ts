/** The routes of tokens for programs. A token itself opens none of them. */
import { Type } from 'typebox'

import { Name } from './ids.ts'
import { changeErrors, nothing, route } from './route.ts'
import { longestTokenMs, ScopeName, TokenView } from './token.ts'

export const tokenRoutes = {
  listTokens: route({
    method: 'GET',
    path: '/v1/tokens',
    summary: 'The tokens that the caller has made',
    access: 'user',
    scope: 'none',
    params: nothing,
    query: Type.Object({
      all: Type.Optional(Type.Boolean({ description: 'operators: of every owner' })),
    }),
    body: nothing,
    reply: Type.Object({ tokens: Type.Array(TokenView) }),
    errors: ['unauthenticated', 'forbidden'],
  }),
  createToken: route({
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Make a token: its secret stays with the caller, who says only its hash',
    access: 'user',
    scope: 'none',
    params: nothing,
    query: nothing,
    body: Type.Object({
      name: Name,
      scopes: Type.Array(ScopeName, { minItems: 1, maxItems: 10 }),
      expiresInMs: Type.Integer({ minimum: 1000, maximum: longestTokenMs }),
      hash: Type.String({
        pattern: '^[0-9a-f]{64}$',
        description:
          'SHA-256 of 64 hex digits from 32 random bytes; the token is `egt.ID.` and these digits',
      }),
    }),
    reply: TokenView,
    errors: [...changeErrors, 'over-quota'],
  }),
  revokeToken: route({
    method: 'DELETE',
    path: '/v1/tokens/:token',
    summary: 'End a token; operators end those of others too',
    access: 'user',
    scope: 'none',
    params: Type.Object({ token: Type.String({ pattern: '^\\d{1,12}$' }) }),
    query: nothing,
    body: nothing,
    reply: TokenView,
    errors: changeErrors,
  }),
}
