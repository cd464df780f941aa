/** A node joins: the token that it shows is compared here, and used up in the brain. */
import { timingSafeEqual } from 'node:crypto'

import type { FastifyInstance } from 'fastify'

import { nodeIdentityRoutes } from '../../proto/api-node-identity.ts'
import { parseJoinToken } from '../../proto/node-identity.ts'
import { digest } from './identity/knower.ts'
import { readOnly, sendProblem, unsettled } from './problems.ts'
import type { Room } from './room.ts'
import { partsReader } from './route-handler.ts'

export function join(server: FastifyInstance, { door, log }: Room): void {
  const { joinNode } = nodeIdentityRoutes
  const read = partsReader(joinNode)
  server.post(joinNode.path, async (request, reply) => {
    const found = read(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const closedBecause = door.readOnlyBecause('joinNode')
    if (closedBecause !== null) return sendProblem(reply, readOnly(closedBecause))
    const { node, token: text, hash } = found.parts.body as Body
    const shown = parseJoinToken(text)
    const token = shown && door.joinToken(shown.id)
    if (!token || !timingSafeEqual(digest(shown.secret), Buffer.from(token.hash, 'hex'))) {
      log.warn({ event: 'join-refused', node, detail: `no valid join token, from ${request.ip}` })
      const hint = 'an operator makes one with `eg node token`'
      return sendProblem(reply, { code: 'unauthenticated', detail: 'this is no join token', hint })
    }
    const result = door.joinNode({ node, token, hash, from: request.ip })
    const refusal = await unsettled(door)
    if (refusal !== null) return sendProblem(reply, refusal)
    return result.ok ? reply.send(result.value) : sendProblem(reply, result.refusal)
  })
}

type Body = { node: string; token: string; hash: string }
