/** A route as data: from it come the server's validation, the typed client and docs/openapi.json. */
import { Type, type Static, type TSchema } from 'typebox'

import type { ErrorCode } from './errors.ts'
import type { Scope } from './token.ts'

/**
 * Who may call: `open` needs no proof; `user` any proven account; `operator` may act on nodes, queues and
 * everybody's jobs; `manager` may also change rights and configuration; `node` an exec-node with its secret.
 */
export type Access = 'open' | 'user' | 'operator' | 'manager' | 'node'

export type Route = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With `:name` parameters. */
  path: string
  summary: string
  access: Access
  /** What it wants of a token for a program, where access and method do not say it (scheduler/core/identity/scope). */
  scope?: Scope | 'any' | 'none'
  params: TSchema
  query: TSchema
  body: TSchema
  reply: TSchema
  errors: readonly ErrorCode[]
  /** How the reply is written: one JSON document, newline-delimited JSON, or server-sent events. */
  shape?: 'json' | 'ndjson' | 'sse' | 'text'
}

/** Names every part's type, so that a client call is checked against its route. */
export const route = <const R extends Route>(definition: R): R => definition

/** What every change may answer. */
export const changeErrors = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'wrong-state',
  'read-only',
] as const

export const Reason = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 1000 })) })
export const nothing = Type.Object({}, { additionalProperties: false })
export type Params<R extends Route> = Static<R['params']>
export type Query<R extends Route> = Static<R['query']>
export type Body<R extends Route> = Static<R['body']>
export type Reply<R extends Route> = Static<R['reply']>
