/** What every part of the HTTP room works with. */
import type { FastifyRequest } from 'fastify'

import type { Log } from '../../src/lib/log.ts'
import type { Caller } from '../brain/call.ts'
import type { BrainDoor } from '../brain/door.ts'
import type { Known } from '../core/identity/access.ts'
import { isOwnOnly } from '../core/identity/scope.ts'
import type { IdentityKeeper } from './identity/keeper.ts'
import type { Metrics } from './metrics.ts'
import type { Turns } from './turns.ts'
import type { Vault } from './vault.ts'

export type Room = {
  door: BrainDoor
  identity: IdentityKeeper
  vault: Vault
  /** Fingerprint of the authority, where this room is reached over TLS. */
  authority: string | null
  metrics: Metrics
  turns: Turns
  log: Log
  now: () => number
  /** How often a line goes out on a stream that has nothing to say. */
  pingMs: number
}

declare module 'fastify' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- Fastify is extended by merging
  interface FastifyRequest {
    /** Set before the body is read; null where the route is open to all. */
    known: Known | null
  }
}

/** The proven person who calls; only on routes that asked for one. */
export function callerOf(request: FastifyRequest): Caller {
  const { known } = request
  if (known?.kind !== 'person') throw new Error(`${request.url} was reached without a caller`)
  const { owner, rights, token, groups = [] } = known
  if (token === null) return { owner, rights, from: request.ip, groups }
  const from = `${request.ip}, token ${token.name}`
  return { owner, rights, from, groups, ownOnly: isOwnOnly(token) }
}
