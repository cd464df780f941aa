import { once } from 'node:events'
/** Logins made by hand: each hand has one connection to the scheduler, as `eg` has. */
import http from 'node:http'
import https from 'node:https'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'

import { connectionName, proofText } from '../../../src/lib/proof-text.ts'
import type { Reply } from './a-room.ts'

export type Asked = Reply & { socket: Socket }

export class Hand {
  readonly #url: string
  readonly #agent: http.Agent

  constructor(url: string) {
    this.#url = url
    const options = { keepAlive: true, maxSockets: 1 }
    this.#agent = url.startsWith('https:')
      ? new https.Agent({ ...options, rejectUnauthorized: false })
      : new http.Agent(options)
  }

  call(path: string, body: object): Promise<Asked> {
    const headers = { 'content-type': 'application/json' }
    const module = this.#url.startsWith('https:') ? https : http
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, method: 'POST', headers }
      const request = module.request(this.#url + path, options)
      request.once('error', reject).once('response', (reply) => {
        const { socket } = reply
        text(reply)
          .then((answer) => {
            const parsed = JSON.parse(answer) as Reply['body']
            resolve({
              status: reply.statusCode ?? 0,
              headers: new Headers(),
              body: parsed,
              socket,
            })
          })
          .catch(reject)
      })
      request.end(JSON.stringify(body))
    })
  }

  login(user: string, way?: string): Promise<Asked> {
    return this.call('/v1/login', { user, ...(way !== undefined && { way }) })
  }

  prove({ body }: Asked, credential?: string): Promise<Asked> {
    const { challenge } = body
    const more = credential === undefined ? {} : { credential }
    return this.call('/v1/login/proof', { challenge, ...more })
  }

  end(): void {
    this.#agent.destroy()
  }
}

/** What an honest client shows for it. */
export function textOf({ body, socket }: Asked, user: string): string {
  return proofText({
    user,
    way: String(body['way']),
    challenge: String(body['challenge']),
    nonce: String(body['nonce']),
    connection: String(connectionName(socket, 'client')),
  })
}

/** Asks for a challenge, and is gone before it is answered. */
export async function askAndHangUp(port: number, user: string): Promise<void> {
  const body = JSON.stringify({ user })
  const head = ['POST /v1/login HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json']
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write([...head, `content-length: ${body.length}`, '', body].join('\r\n'))
  socket.destroy()
  await once(socket, 'close')
}
