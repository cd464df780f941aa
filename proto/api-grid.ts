/** The routes of the grid itself: identity, events, health. */
import { Type } from 'typebox'

import { Instant, Nullable } from './ids.ts'
import { LoginWayName } from './login.ts'
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
      ways: Type.Array(LoginWayName, {
        description: 'in which accounts can prove themselves, the surest first',
      }),
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
    summary: 'Ask for a challenge: what to write into a file, or to put into a MUNGE credential',
    access: 'open',
    params: nothing,
    query: nothing,
    body: Type.Object({
      user: Type.String({ maxLength: 256 }),
      way: Type.Optional(LoginWayName),
    }),
    reply: Type.Object({
      challenge: Type.String(),
      nonce: Type.String(),
      way: LoginWayName,
      file: Nullable(
        Type.String({ description: 'where the scheduler looks for it; null: in no file' }),
      ),
    }),
    errors: ['invalid', 'unauthenticated', 'too-many-requests'],
  }),
  prove: route({
    method: 'POST',
    path: '/v1/login/proof',
    summary: 'The file is written, or here is the credential: a token for it',
    access: 'open',
    params: nothing,
    query: nothing,
    body: Type.Object({
      challenge: Type.String({ maxLength: 256 }),
      credential: Type.Optional(
        Type.String({
          maxLength: 8192,
          description: 'of MUNGE, with the bound text as its payload',
        }),
      ),
    }),
    reply: Type.Object({
      token: Type.String(),
      owner: Type.String(),
      way: LoginWayName,
      expiresAt: Instant,
    }),
    errors: ['unauthenticated', 'too-many-requests'],
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
