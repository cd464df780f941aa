/** The exchange with exec-nodes: the stream of orders, and answers to what was asked on it. */
import type { FastifyInstance } from 'fastify'

import { exchangeRoutes } from '../../proto/api-exchange.ts'
import type { Answer, OrderLine } from '../../proto/sync.ts'
import { openOutflow } from './outflow.ts'
import { sendProblem, unsettled } from './problems.ts'
import type { Room } from './room.ts'
import { partsReader, strangeNode } from './route-handler.ts'

const line = (order: OrderLine) => `${JSON.stringify(order)}\n`

export function exchange(server: FastifyInstance, room: Room): void {
  const { door, vault, pingMs } = room
  const readOrders = partsReader(exchangeRoutes.orders)
  const readAnswer = partsReader(exchangeRoutes.answer)

  server.get(exchangeRoutes.orders.path, (request, reply) => {
    const found = readOrders(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const { node, session } = found.parts.query
    const strange = strangeNode(room, request, String(node))
    if (strange !== null) return sendProblem(reply, strange)
    const ping = line({ kind: 'ping' })
    const out = openOutflow(reply, { type: 'application/x-ndjson', ping, pingMs })
    const detach = door.attachOrders(String(node), {
      session: typeof session === 'string' ? session : null,
      send: (order) => void out.write(line(vault.open(order))),
      close: () => out.end(),
    })
    out.onEnd(detach)
    return reply
  })

  server.post<{ Params: { id: string } }>(exchangeRoutes.answer.path, async (request, reply) => {
    const found = readAnswer(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const taken = door.answered(
      request.params.id,
      found.parts.body as Answer,
      request.known?.kind === 'node' ? request.known.node : null,
    )
    const refusal = await unsettled(door)
    if (refusal !== null) return sendProblem(reply, refusal)
    if (taken) return reply.type('application/json').send('{}')
    const detail = 'nobody waits for this answer any more'
    return sendProblem(reply, { code: 'not-found', detail })
  })
}
