/** The routes of nodes' identities: tokens that let one join, the join itself, a new secret. */
import { Type } from 'typebox'

import { Instant, NodeNameSchema, Nullable } from './ids.ts'
import { longestJoinMs } from './node-identity.ts'
import { changeErrors, nothing, route } from './route.ts'

const Hash = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of 64 hex digits from 32 random bytes, which stay with whoever made them',
})

export const nodeIdentityRoutes = {
  createJoinToken: route({
    method: 'POST',
    path: '/v1/node-tokens',
    summary:
      'Make a token with which one node joins; the token is `egj.ID.` and the digits, with TLS also `.` and the fingerprint of the authority',
    access: 'operator',
    scope: 'none',
    params: nothing,
    query: nothing,
    body: Type.Object({
      node: Nullable(NodeNameSchema),
      expiresInMs: Type.Integer({ minimum: 1000, maximum: longestJoinMs }),
      hash: Hash,
    }),
    reply: Type.Object({
      id: Type.Integer(),
      node: Nullable(Type.String()),
      expiresAt: Instant,
    }),
    errors: changeErrors,
  }),
  joinNode: route({
    method: 'POST',
    path: '/v1/node/join',
    summary: 'Take an identity for a node: shows the token, says the hash of its own secret',
    access: 'open',
    params: nothing,
    query: nothing,
    body: Type.Object({
      node: NodeNameSchema,
      token: Type.String({ maxLength: 200 }),
      hash: Hash,
    }),
    reply: Type.Object({ node: Type.String(), grid: Type.String() }),
    errors: ['invalid', 'unauthenticated', 'wrong-state', 'name-taken', 'refused', 'read-only'],
  }),
  renewNode: route({
    method: 'POST',
    path: '/v1/node/identity',
    summary: 'A new secret for the node that calls; the old one is good until the new one is used',
    access: 'node',
    params: nothing,
    query: nothing,
    body: Type.Object({ node: NodeNameSchema, hash: Hash }),
    reply: nothing,
    errors: ['invalid', 'unauthenticated', 'forbidden', 'not-found', 'read-only'],
  }),
  revokeNode: route({
    method: 'POST',
    path: '/v1/nodes/:node/revoke',
    summary: "End a node's identity at once, also while it reports",
    access: 'operator',
    params: Type.Object({ node: NodeNameSchema }),
    query: nothing,
    body: nothing,
    reply: nothing,
    errors: changeErrors,
  }),
}
