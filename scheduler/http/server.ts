/** The HTTP room: one route for each entry of the table, each let in only as its entry says. */
import { isUtf8 } from 'node:buffer'

import Fastify, { type FastifyInstance } from 'fastify'

import { routes, type RouteName } from '../../proto/api.ts'
import type { Refusal } from '../../proto/errors.ts'
import type { Rights } from '../../proto/rights.ts'
import type { Route } from '../../proto/route.ts'
import { silentLog, type Log } from '../../src/lib/log.ts'
import type { OwnRoutes } from '../brain/call.ts'
import type { BrainDoor } from '../brain/door.ts'
import { refuseAccess } from '../core/identity/access.ts'
import { events } from './events.ts'
import { exchange } from './exchange.ts'
import { grid } from './grid.ts'
import { health } from './health.ts'
import { Replies } from './idempotency.ts'
import type { IdentityKeeper } from './identity/keeper.ts'
import { join } from './join.ts'
import { openMetrics } from './metrics.ts'
import { sendProblem, speakProblems } from './problems.ts'
import type { Room } from './room.ts'
import { routeHandler } from './route-handler.ts'
import { siteProblem } from './site.ts'
import { defaultRequestsUnderWay, Turns } from './turns.ts'
import type { Vault } from './vault.ts'

export type ServerOptions = {
  door: BrainDoor
  identity: IdentityKeeper
  vault: Vault
  log?: Log
  now?: () => number
  /** Names besides loopback and addresses under which this scheduler may be called. */
  names?: readonly string[]
  /** With TLS: the fingerprint of the authority that vouches for this scheduler. */
  authority?: string | null
  pingMs?: number
  /** People's requests that are taken at a time; more are told to come again. */
  requestsUnderWay?: number | undefined
}

const bodyBytes = 16 * 2 ** 20

/** Answered in this room, without a handler of the brain. */
const ownRoutes: ReadonlySet<string> = new Set<OwnRoutes>([
  'orders',
  'answer',
  'joinNode',
  'grid',
  'whoAmI',
  'login',
  'prove',
  'events',
  'healthz',
  'readyz',
  'metrics',
])

export function buildServer(options: ServerOptions): FastifyInstance {
  const { door, identity, vault, log = silentLog, now = Date.now, pingMs = 10_000 } = options
  const turns = new Turns(options.requestsUnderWay ?? defaultRequestsUnderWay)
  const { authority = null } = options
  const metrics = openMetrics()
  const room: Room = { door, identity, vault, authority, log, now, pingMs, turns, metrics }
  const server = Fastify({
    bodyLimit: bodyBytes,
    logger: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 500 },
  })
  server.decorateRequest('known', null)
  readJsonOnly(server)
  speakProblems(server, log)
  guard(server, room, new Set(options.names?.map((name) => name.toLowerCase())))
  measure(server, room)
  for (const plugin of [exchange, join, events, grid, health]) plugin(server, room)
  const replies = new Replies(door, now)
  for (const [name, route] of Object.entries<Route>(routes)) {
    if (ownRoutes.has(name)) continue
    const handler = routeHandler(room, name as RouteName, route, replies)
    server.route({ method: route.method, url: route.path, handler })
  }
  return server
}

/** Read as text, what is none would be replaced by other characters, and the job be another. */
const notUtf8 = () =>
  Object.assign(new Error('the body is not UTF-8, as JSON has to be'), { statusCode: 400 })

/** Other content types are what a browser sends for a foreign page without asking first. */
function readJsonOnly(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'ignore')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer
    if (bytes.length === 0) done(null, undefined)
    else if (isUtf8(bytes)) void parse(request, bytes.toString(), done)
    else done(notUtf8())
  })
}

/** Streams and long polls are under way for long, and do nothing meanwhile. */
const isAnsweredSoon = ({ shape, path }: Route): boolean =>
  shape !== 'ndjson' && shape !== 'sse' && !waits.has(path)
const waits: ReadonlySet<string> = new Set([routes.waitJob.path, routes.readLog.path])

/** Managers may limit everybody's requests, their own too, and have to be able to take it back. */
const undoesLimits = ({ method, path }: Route, { rights }: { rights: Rights }): boolean =>
  rights === 'manager' && path === routes.setQuota.path && method === routes.setQuota.method

const overloaded: Refusal = {
  code: 'too-many-requests',
  detail: 'the scheduler has as many requests under way as it takes',
  hint: 'nothing was done: try again in a second',
}

/** Before the body of a request is read: is it meant for us, and may its sender call this? */
function guard(server: FastifyInstance, room: Room, names: ReadonlySet<string>): void {
  const table = new Map(
    Object.values<Route>(routes).map((route) => [`${route.method} ${route.path}`, route]),
  )
  server.addHook('onRequest', async (request, reply) => {
    const problem = siteProblem(request.headers, names, room.authority === null ? 'http' : 'https')
    if (problem !== null) return sendProblem(reply, { code: 'forbidden', detail: problem })
    const place = `${request.method} ${request.routeOptions.url}`
    // Of a private grid other accounts learn nothing, not even how many jobs it has.
    const isHidden = place === 'GET /metrics' && room.identity.proof === 'secret'
    const found = table.get(place)
    const route = found && isHidden ? { ...found, access: 'user' as const } : found
    if (request.is404 || route?.access === 'open') return undefined
    if (route === undefined) throw new Error(`${request.url} is not in the route table`)
    const bearer = /^Bearer (\S{1,500})$/i.exec(request.headers.authorization ?? '')?.[1]
    const known = bearer === undefined ? null : await room.identity.who(bearer)
    const refusal = refuseAccess(route, known, room.identity.proof, room.door.whoCould())
    if (refusal !== null) return sendProblem(reply, refusal)
    request.known = known?.kind === 'refused' ? null : known
    if (request.known?.kind !== 'person') return undefined
    const { owner } = request.known
    const turns = isAnsweredSoon(route) ? room.turns : null
    // Of who has hung up meanwhile no end would be told, and his place never be free again.
    if (turns !== null && (request.socket.destroyed || turns.isFull(owner)))
      return sendProblem(reply, overloaded)
    const tooMany = undoesLimits(route, request.known) ? null : room.door.admit(owner)
    if (tooMany !== null) return sendProblem(reply, tooMany.refusal, tooMany.retryAfterMs)
    if (turns === null) return undefined
    reply.raw.once('close', () => turns.leave(owner))
    await turns.enter(owner)
    return undefined
  })
}

function measure(server: FastifyInstance, { metrics }: Room): void {
  const timers = new Map(
    Object.values<Route>(routes)
      // How long a stream was open says nothing about us.
      .filter(({ shape }) => shape !== 'ndjson' && shape !== 'sse')
      .map(({ method, path }) => [`${method} ${path}`, metrics.timerOf(`${method} ${path}`)]),
  )
  server.addHook('onResponse', (request, reply, done) => {
    const timer = timers.get(`${request.method} ${request.routeOptions.url}`)
    timer?.(reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
}
