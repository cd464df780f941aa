/**
 * The port: bound before anything else, for while nobody listens the nodes' leases renew themselves; until the
 * room is ready every request is told so.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

import type { FastifyInstance } from 'fastify'

import { gridRoutes } from '../../proto/api-grid.ts'
import { errorList, problemOf } from '../../proto/errors.ts'
import { isLoopback } from '../../src/lib/loopback.ts'

export type Listener = {
  readonly host: string
  readonly port: number
  readonly url: string
  /** From now on the room answers. */
  serve(room: FastifyInstance): Promise<void>
  /** Takes no more connections; replies under way get `graceMs`, then all connections end. */
  close(graceMs?: number): Promise<void>
}

/** A request must have arrived whole by then, whoever dribbles it. */
const requestMs = 60_000

export async function listen(options: {
  host?: string
  port: number
  insecureNetwork?: boolean
}): Promise<Listener> {
  const { host = '127.0.0.1', insecureNetwork = false } = options
  if (!isLoopback(host) && !insecureNetwork) {
    throw new Error(
      `${host} can be reached from other machines, and without TLS all that is sent there can be read and ` +
        'changed on the way; listen on 127.0.0.1, or say --insecure-network',
    )
  }
  let answer: http.RequestListener = notReady
  const server = http.createServer({ requestTimeout: requestMs, keepAliveTimeout: 75_000 })
  server.on('request', (request, reply) => answer(request, reply))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: options.port, backlog: 1024 }, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    host,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async serve(room) {
      await room.ready()
      answer = (request, reply) => room.routing(request, reply)
    },
    close(graceMs = 1000) {
      return new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      })
    },
  }
}

function notReady(request: http.IncomingMessage, reply: http.ServerResponse): void {
  // It does live.
  if (request.url === gridRoutes.healthz.path) return void reply.end('ok\n')
  const problem = problemOf({ code: 'unavailable', detail: 'the scheduler is starting' })
  reply.writeHead(errorList.unavailable.status, {
    'content-type': 'application/problem+json',
    'retry-after': '1',
  })
  reply.end(JSON.stringify(problem))
}
