/** From the route table to a handler: check, one call of the brain, commit, reply. Nothing leaves before. */
import type { FastifyReply, FastifyRequest } from 'fastify'

import type { RouteName } from '../../proto/api.ts'
import type { Refusal } from '../../proto/errors.ts'
import type { Route } from '../../proto/route.ts'
import { notOwn, type Caller, type Result } from '../brain/call.ts'
import { longestKey, requestHash, type Replayable, type Replies, type Sent } from './idempotency.ts'
import { readOnly, sendProblem, unsettled } from './problems.ts'
import { callerOf, type Room } from './room.ts'
import { checker, closed, flat, halfPair, queryReader, type JsonSchema } from './schema.ts'

type Parts = { params: unknown; query: JsonSchema; body: unknown }
type AnyHandler = (
  call: Parts & { caller: ReturnType<typeof callerOf> },
) => Result<unknown> | Promise<Result<unknown>>

/** Checks what a request brings along; the parts as the handler takes them, or a sentence. */
export function partsReader(
  route: Route,
): (request: FastifyRequest) => { ok: true; parts: Parts } | { ok: false; problem: string } {
  // Exec-nodes of another version may say more than this one knows; people's typing errors must not pass.
  const strict = (schema: Route['body']) =>
    route.access === 'node' ? flat(schema as JsonSchema) : closed(schema as JsonSchema)
  const checkParams = checker(flat(route.params as JsonSchema), 'the path')
  const checkQuery = checker(strict(route.query), 'the query')
  const checkBody = checker(strict(route.body), 'the body')
  const readQuery = queryReader(route.query as JsonSchema)
  return (request) => {
    const query = readQuery(request.query as JsonSchema)
    const body = request.body ?? {}
    const problem =
      checkParams(request.params) ??
      checkQuery(query) ??
      checkBody(body) ??
      // What a node says of its runs is taken as it is.
      (route.access === 'node' ? null : halfPair(body))
    return problem === null
      ? { ok: true, parts: { params: request.params, query, body } }
      : { ok: false, problem }
  }
}

export function routeHandler(room: Room, name: RouteName, route: Route, replies: Replies) {
  const read = partsReader(route)
  const isChange = route.method !== 'GET'
  const isSealed = isChange && route.access !== 'node'
  const place = `${route.method} ${route.path}`
  const { door, vault } = room
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const found = read(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const closedBecause = isChange ? door.readOnlyBecause(name) : null
    if (closedBecause !== null) return sendProblem(reply, readOnly(closedBecause))
    const { parts } = found
    const strange = strangeNode(room, request, (parts.body as { node?: string }).node)
    if (route.access === 'node' && strange !== null) return sendProblem(reply, strange)
    const caller = route.access === 'node' ? nodeCaller(request) : callerOf(request)
    const outside = outsideOwn(caller, parts.query)
    if (outside !== null) return sendProblem(reply, outside)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts were checked against the route
    const handler = (door.handlers as unknown as Record<string, AnyHandler>)[name]
    if (handler === undefined) throw new Error(`the brain has no handler for ${name}`)
    const run = (record?: (text: string) => void) =>
      answer(
        room,
        () => handler({ caller, ...parts, body: isSealed ? vault.seal(parts.body) : parts.body }),
        record,
      )
    const key = isChange ? request.headers['idempotency-key'] : undefined
    if (typeof key !== 'string') return send(reply, { sent: await run(), replayed: false })
    if (key === '' || key.length > longestKey) {
      const detail = `an Idempotency-Key has 1 to ${longestKey} characters`
      return sendProblem(reply, { code: 'invalid', detail })
    }
    const hash = requestHash(
      parts.params,
      parts.query,
      isSealed ? vault.mark(parts.body) : parts.body,
    )
    return send(reply, await replies.once({ owner: caller.owner, key, route: place, hash }, run))
  }
}

/** Lists are asked for by owner: a token without `operate` gets only those of its own. */
function outsideOwn({ owner, ownOnly }: Caller, query: JsonSchema): Refusal | null {
  const isOwn = query['all'] !== true && (query['owner'] === undefined || query['owner'] === owner)
  return ownOnly !== true || isOwn ? null : notOwn(owner)
}

/** A node speaks for itself alone; and for one that has an identity, nobody does who does not show it. */
export function strangeNode(
  { door }: Room,
  { known }: FastifyRequest,
  node: string | undefined,
): Refusal | null {
  if (known?.kind !== 'node' || node === undefined) return null
  if (known.node !== null && known.node !== node) {
    const detail = `this is the identity of ${known.node}, and opens nothing of ${node}`
    return { code: 'forbidden', detail }
  }
  if (known.node !== null || door.nodeKey(node) === null) return null
  return {
    code: 'forbidden',
    detail: `${node} has an identity of its own, and the node secret does not speak for it`,
    hint: `its identity is node-identity in its data folder; where that is lost, \`eg node token --node ${node}\``,
  }
}

/** Exec-nodes act for the grid itself, not for an account. */
const nodeCaller = (request: FastifyRequest) => ({
  owner: 'exec-node',
  rights: 'user' as const,
  from: request.ip,
})

async function answer(
  { door }: Room,
  handle: () => Result<unknown> | Promise<Result<unknown>>,
  record?: (text: string) => void,
): Promise<Sent> {
  const given = handle()
  // No await for what is there already: the reply must be recorded in the turn that made the change.
  const result = given instanceof Promise ? await given : given
  const sent: Sent = result.ok
    ? { ok: true, status: 200, text: JSON.stringify(result.value) }
    : result
  if (sent.ok) record?.(sent.text)
  const refusal = await unsettled(door)
  return refusal === null ? sent : { ok: false, refusal }
}

function send(reply: FastifyReply, { sent, replayed }: Replayable): FastifyReply {
  if (!sent.ok) return sendProblem(reply, sent.refusal)
  if (replayed) void reply.header('idempotency-replayed', 'true')
  return reply.code(sent.status).type('application/json; charset=utf-8').send(sent.text)
}
