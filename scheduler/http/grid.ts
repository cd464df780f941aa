/** The grid itself: who answers here, as whom one is known, and the proof that makes one known. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import { gridRoutes } from '../../proto/api-grid.ts'
import type { LoginWay } from '../../proto/login.ts'
import { connectionName } from '../../src/lib/proof-text.ts'
import { rowAddress, tcpRows } from '../../src/lib/tcp-rows.ts'
import type { Result } from '../brain/call.ts'
import { sendProblem, unsettled } from './problems.ts'
import { callerOf, type Room } from './room.ts'
import { partsReader } from './route-handler.ts'

export function grid(server: FastifyInstance, { door, identity, authority, log }: Room): void {
  const readLogin = partsReader(gridRoutes.login)
  const readProof = partsReader(gridRoutes.prove)
  const answer = async (reply: FastifyReply, result: Result<unknown>) => {
    const refusal = await unsettled(door)
    if (refusal !== null) return sendProblem(reply, refusal)
    return result.ok ? reply.send(result.value) : sendProblem(reply, result.refusal)
  }

  server.get(gridRoutes.grid.path, async () => {
    const { proof, proofFolder } = identity
    const ways = await identity.ways()
    return { grid: door.grid, version: door.version, proof, ways, proofFolder, authority }
  })

  server.get(gridRoutes.whoAmI.path, async (request) => {
    const { owner, rights } = callerOf(request)
    const token = request.known?.kind === 'person' ? request.known.token : null
    return { owner, rights, token: token && { name: token.name, scopes: token.scopes } }
  })

  server.post(gridRoutes.login.path, async (request, reply) => {
    const found = readLogin(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const { user, way = 'file' } = found.parts.body as { user: string; way?: LoginWay }
    const asking = { user, way, asker: askerOf(request) }
    return answer(reply, await identity.login(asking, connectionOf(request)))
  })

  server.post(gridRoutes.prove.path, async (request, reply) => {
    const found = readProof(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const shown = found.parts.body as { challenge: string; credential?: string }
    const proven = await identity.prove(shown, connectionOf(request))
    if (proven.ok)
      log.info({ event: 'logged-in', owner: proven.value.owner, detail: proven.value.way })
    else log.warn({ event: 'login-refused', detail: proven.refusal.detail })
    return answer(reply, proven)
  })
}

const connectionOf = ({ socket }: FastifyRequest) => ({
  socket,
  name: connectionName(socket, 'server'),
})

/** Whose logins are counted together: the account that holds the other end, so that none uses up another's. */
function askerOf({ socket }: FastifyRequest): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (!remoteAddress || !remotePort || !localAddress || !localPort) return 'unknown'
  const theirs = rowAddress(remoteAddress, remotePort)
  const ours = rowAddress(localAddress, localPort)
  const row = tcpRows(remotePort).find(({ local, remote }) => local === theirs && remote === ours)
  // Who has hung up holds no end: the kernel then shows uid 0 for it, and root is another.
  return row === undefined || row.inode === 0 ? remoteAddress : `uid ${row.uid}`
}
