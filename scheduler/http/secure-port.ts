/** The port with TLS: certificates can be replaced while it serves, and who speaks plain HTTP is told so in words. */
import type http from 'node:http'
import https from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'

import { problemOf } from '../../proto/errors.ts'

/** PEM both; the certificate with its authority's behind it. */
export type Shown = { certificate: string; key: string }

export type SecurePort = {
  /** Takes the connections. */
  front: Server
  /** Knows the requests. */
  server: https.Server
  /** Connections from now on see this certificate; those that are there go on. */
  show(shown: Shown): void
  /** Also those that have not got as far as a request. */
  closeAllConnections(): void
}

/** A handshake takes a round trip or two; who needs longer holds a place of somebody else's. */
const handshakeMs = 20_000
/** The first byte of a TLS connection: a handshake record. */
const handshakeRecord = 22

const contextOf = ({ certificate, key }: Shown) => ({ cert: certificate, key })

export function securePort(shown: Shown, options: http.ServerOptions): SecurePort {
  const server = https.createServer({
    ...options,
    ...contextOf(shown),
    minVersion: 'TLSv1.3',
    handshakeTimeout: handshakeMs,
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  const connections = new Set<Socket>()
  const front = createServer({ noDelay: true }, (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    socket.on('error', () => {})
    socket.setTimeout(handshakeMs, () => socket.destroy())
    socket.once('readable', () => {
      const first = socket.read(1) as Buffer | null
      socket.setTimeout(0)
      if (first !== null) socket.unshift(first)
      if (first?.[0] === handshakeRecord) server.emit('connection', socket)
      else socket.end(first === null ? '' : refusal())
    })
  })
  return {
    front,
    server,
    show: (next) => server.setSecureContext({ ...contextOf(next), minVersion: 'TLSv1.3' }),
    closeAllConnections: () => connections.forEach((socket) => socket.destroy()),
  }
}

/** In the clear, as it was asked. */
function refusal(): string {
  const detail = 'this scheduler speaks TLS, and was spoken to in plain HTTP'
  const hint = 'write https:// in place of http:// in its URL'
  const body = JSON.stringify(problemOf({ code: 'invalid', detail, hint }))
  return (
    'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/problem+json\r\n' +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}
