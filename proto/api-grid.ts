/** The routes of the grid itself: identity, events, health. */
import { Type } from 'typebox'

import { Instant, Nullable } from './ids.ts'
import { RightsName } from './rights.ts'
import { nothing, route } from './route.ts'
import { ScopeName } from './token.ts'

export const GridEvent = Type.Object({
  id: Type.Integer(),
  at: Instant,
  what: Type.String(),
  job: Nullable(Type.Integer()),
  task: Nullable(Type.Integer()),
  node: Nullable(Type.String()),
  schedule: Nullable(Type.String()),
  owner: Nullable(Type.String()),
  by: Nullable(Type.String()),
  detail: Type.String(),
})

export const gridRoutes = {
  grid: route({
    method: 'GET',
    path: '/v1/grid',
    summary: 'Who answers here',
    access: 'open',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({
      grid: Type.String(),
      version: Type.String(),
      proof: Type.Unsafe<'secret' | 'file'>({ type: 'string', enum: ['secret', 'file'] }),
      proofFolder: Nullable(Type.String()),
      authority: Nullable(
        Type.String({
          description: 'with TLS: SHA-256 of the certificate of the authority that vouches for it',
        }),
      ),
    }),
    errors: [],
  }),
  whoAmI: route({
    method: 'GET',
    path: '/v1/whoami',
    summary: 'As whom you are known',
    access: 'user',
    scope: 'any',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({
      owner: Type.String(),
      rights: RightsName,
      token: Nullable(Type.Object({ name: Type.String(), scopes: Type.Array(ScopeName) })),
    }),
    errors: ['unauthenticated'],
  }),
  login: route({
    method: 'POST',
    path: '/v1/login',
    summary: 'Ask for a challenge: a nonce to write into the proof folder',
    access: 'open',
    params: nothing,
    query: nothing,
    body: Type.Object({ user: Type.String({ maxLength: 256 }) }),
    reply: Type.Object({ challenge: Type.String(), nonce: Type.String(), file: Type.String() }),
    errors: ['invalid', 'too-many-requests'],
  }),
  prove: route({
    method: 'POST',
    path: '/v1/login/proof',
    summary: 'The file is written: a token for it',
    access: 'open',
    params: nothing,
    query: nothing,
    body: Type.Object({ challenge: Type.String() }),
    reply: Type.Object({ token: Type.String(), owner: Type.String(), expiresAt: Instant }),
    errors: ['unauthenticated'],
  }),
  events: route({
    method: 'GET',
    path: '/v1/events',
    summary: 'Events since `since` (or Last-Event-ID), then live',
    access: 'user',
    params: nothing,
    query: Type.Object({
      since: Type.Optional(Type.Integer({ minimum: 0 })),
      job: Type.Optional(Type.Integer()),
      follow: Type.Optional(Type.Boolean()),
    }),
    body: nothing,
    reply: GridEvent,
    errors: ['unauthenticated', 'cursor-gone'],
    shape: 'sse',
  }),
  healthz: route({
    method: 'GET',
    path: '/healthz',
    summary: 'The process lives',
    access: 'open',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.String(),
    errors: [],
    shape: 'text',
  }),
  readyz: route({
    method: 'GET',
    path: '/readyz',
    summary: 'Takes changes',
    access: 'open',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.String(),
    errors: ['unavailable'],
    shape: 'text',
  }),
  metrics: route({
    method: 'GET',
    path: '/metrics',
    summary: 'Prometheus metrics',
    access: 'open',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.String(),
    errors: [],
    shape: 'text',
  }),
}
