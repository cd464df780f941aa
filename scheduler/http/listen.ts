/**
 * The port: bound before anything else, for while nobody listens the nodes' leases renew themselves; until the
 * room is ready every request is told so.
 */
import http from 'node:http'
import type { AddressInfo, Server } from 'node:net'

import type { FastifyInstance } from 'fastify'

import { gridRoutes } from '../../proto/api-grid.ts'
import { errorList, problemOf } from '../../proto/errors.ts'
import { isLoopback } from '../../src/lib/loopback.ts'
import { securePort, type Shown } from './secure-port.ts'

export type Listener = {
  readonly host: string
  readonly port: number
  readonly url: string
  /** From now on the room answers. */
  serve(room: FastifyInstance): Promise<void>
  /** With TLS: connections from now on see this certificate. */
  show(shown: Shown): void
  /** Takes no more connections; replies under way get `graceMs`, then all connections end. */
  close(graceMs?: number): Promise<void>
}

/** A request must have arrived whole by then, whoever dribbles it. */
const requestMs = 60_000

export type ListenOptions = {
  host?: string
  port: number
  insecureNetwork?: boolean
  /** What is shown over TLS; null or left out: plain HTTP. */
  shown?: Shown | null
}

export async function listen(options: ListenOptions): Promise<Listener> {
  const { host = '127.0.0.1', insecureNetwork = false, shown = null } = options
  if (!isLoopback(host) && !insecureNetwork && shown === null) {
    throw new Error(
      `${host} can be reached from other machines, and without TLS all that is sent there can be read and ` +
        'changed on the way; say --tls, or listen on 127.0.0.1, or say --insecure-network',
    )
  }
  let answer: http.RequestListener = notReady
  const { front, server, ...port } = open(shown)
  server.on('request', (request: http.IncomingMessage, reply: http.ServerResponse) =>
    answer(request, reply),
  )
  await new Promise<void>((resolve, reject) => {
    front.once('error', reject)
    front.listen({ host, port: options.port, backlog: 1024 }, resolve)
  })
  const address = front.address() as AddressInfo
  return {
    host,
    port: address.port,
    url: `${port.protocol}://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    show: (next) => port.show(next),
    async serve(room) {
      await room.ready()
      answer = (request, reply) => room.routing(request, reply)
    },
    close(graceMs = 1000) {
      return new Promise((resolve) => {
        const cut = setTimeout(port.closeAllConnections, graceMs)
        front.close(() => {
          clearTimeout(cut)
          resolve()
        })
        server.closeIdleConnections()
      })
    },
  }
}

type Port = {
  protocol: 'http' | 'https'
  /** Takes the connections; the server knows the requests. */
  front: Server
  server: http.Server
  show(shown: Shown): void
  closeAllConnections: () => void
}

function open(shown: Shown | null): Port {
  const options = { requestTimeout: requestMs, keepAliveTimeout: 75_000 }
  if (shown !== null) return { protocol: 'https', ...securePort(shown, options) }
  const server = http.createServer(options)
  return {
    protocol: 'http',
    front: server,
    server,
    show: () => {},
    closeAllConnections: () => server.closeAllConnections(),
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
