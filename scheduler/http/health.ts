/** Does it live, does it take changes, and how is it doing. */
import type { FastifyInstance } from 'fastify'

import { gridRoutes } from '../../proto/api-grid.ts'
import { sendProblem, unsettled } from './problems.ts'
import type { Room } from './room.ts'

export function health(server: FastifyInstance, { door, metrics }: Room): void {
  server.get(gridRoutes.healthz.path, (_request, reply) => reply.type('text/plain').send('ok\n'))

  server.get(gridRoutes.readyz.path, (_request, reply) => {
    const why = door.readOnlyBecause()
    if (why !== null) return sendProblem(reply, { code: 'unavailable', detail: why })
    return reply.type('text/plain').send('ready\n')
  })

  server.get(gridRoutes.metrics.path, async (_request, reply) => {
    const text = await metrics.text(door)
    const refusal = await unsettled(door)
    if (refusal !== null) return sendProblem(reply, refusal)
    return reply.type(metrics.contentType).send(text)
  })
}
