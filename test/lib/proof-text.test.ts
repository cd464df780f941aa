/** The name of a connection: the same at both ends, another for every connection, and with TLS bound to the server's key. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import tls from 'node:tls'

import { afterEach, expect, test } from 'vitest'

import { connectionName } from '../../src/lib/proof-text.ts'
import { shownBy } from '../support/certificates.ts'

const open: (Server | Socket)[] = []
afterEach(() => {
  for (const one of open.splice(0)) {
    if ('close' in one) one.close()
    else one.destroy()
  }
})

const listening = async (server: Server, host: string): Promise<number> => {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

type Ends = { client: Socket; server: Socket }
async function tcp(listenAt: string, host: string): Promise<Ends> {
  let accepted: (socket: Socket) => void
  const server = new Promise<Socket>((resolve) => (accepted = resolve))
  const port = await listening(
    createServer((socket) => accepted(socket)),
    listenAt,
  )
  const client = connect({ host, port })
  const ends = { client, server: await server }
  open.push(ends.client, ends.server)
  return ends
}

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  // The server sees its client as ::ffff:127.0.0.1.
  ['::', '127.0.0.1'],
])(
  'listening at %s, called at %s: both ends say the same, of no other connection',
  async (at, host) => {
    const [one, two] = [await tcp(at, host), await tcp(at, host)]
    const name = connectionName(one.client, 'client')
    expect(name).toMatch(/^tcp /)
    expect(connectionName(one.server, 'server')).toBe(name)
    expect(connectionName(two.client, 'client')).not.toBe(name)
    one.client.destroy()
    expect(connectionName(one.client, 'client')).toBe(null)
  },
)

async function secure(authority: string): Promise<{ port: number; next: () => Promise<Socket> }> {
  const { certificate, key } = await shownBy(authority)
  const waiting: ((socket: Socket) => void)[] = []
  const server = tls.createServer({ cert: certificate, key, minVersion: 'TLSv1.3' }, (socket) => {
    open.push(socket)
    waiting.shift()?.(socket)
  })
  const port = await listening(server, '127.0.0.1')
  return { port, next: () => new Promise((resolve) => waiting.push(resolve)) }
}

test('with TLS both ends know it, and who passes everything on between two has two', async () => {
  const real = await secure('real')
  const relay = await secure('relay')
  const dial = async ({ port, next }: typeof real): Promise<Ends> => {
    const accepted = next()
    const client = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    open.push(client)
    return { client, server: await accepted }
  }
  const victim = await dial(relay)
  const onward = await dial(real)
  const names = [victim, onward].map(({ client }) => connectionName(client, 'client'))
  expect(names[0]).toMatch(/^tls-exporter [0-9a-f]{64}$/)
  expect(names[0]).not.toBe(names[1])
  const served = [victim, onward].map(({ server }) => connectionName(server, 'server'))
  expect(served).toEqual(names)
})
