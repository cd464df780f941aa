/** The port with TLS: a new certificate breaks no connection, plain HTTP is answered in words, nobody holds up its end. */
import { X509Certificate } from 'node:crypto'
import https from 'node:https'
import { connect } from 'node:net'
import { connect as connectSecurely, type TLSSocket } from 'node:tls'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { listen, type Listener } from '../../../scheduler/http/listen.ts'
import type { Tls } from '../../../scheduler/tls/keep.ts'
import { keepRenewed } from '../../../scheduler/tls/renewing.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { authority, shownBy } from '../../support/certificates.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

let listener: Listener
let isClosed: boolean
beforeEach(async () => {
  listener = await listen({ port: 0, shown: await shownBy('ours') })
  isClosed = false
})
afterEach(async () => {
  if (!isClosed) await listener.close(0)
})

const request = (agent: https.Agent) =>
  new Promise<TLSSocket>((resolve, reject) => {
    https
      .get(`${listener.url}/healthz`, { agent }, (reply) => {
        const socket = reply.socket as TLSSocket
        reply.resume().once('end', () => resolve(socket))
      })
      .once('error', reject)
  })

test('a certificate is replaced while the port serves: what is connected goes on, what comes sees the new one', async () => {
  const ca = (await authority('ours')).certificate
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca })
  const before = await request(agent)
  const serial = (socket: TLSSocket) => socket.getPeerX509Certificate()?.serialNumber
  const old = serial(before)
  const next = await shownBy('ours')
  const clock = new VirtualClock()
  let looks = 0
  const tls: Pick<Tls, 'renew' | 'shown' | 'endsAt'> = {
    renew: async () => (looks += 1) === 2,
    shown: next,
    endsAt: 0,
  }
  const end = keepRenewed({ tls, clock, log: silentLog, show: (shown) => listener.show(shown) })
  await clock.advance(2.5 * 3_600_000)
  end()
  await clock.advance(5 * 3_600_000)
  expect(looks).toBe(2)
  expect(await request(agent)).toBe(before)
  const fresh = await request(new https.Agent({ ca }))
  expect(serial(fresh)).toBe(new X509Certificate(next.certificate).serialNumber)
  expect(serial(fresh)).not.toBe(old)
  agent.destroy()
})

test('whoever speaks plain HTTP is told what to write', async () => {
  const reply = await fetch(listener.url.replace('https:', 'http:'))
  expect(reply.status).toBe(400)
  expect(await reply.json()).toMatchObject({
    code: 'invalid',
    detail: expect.stringContaining('speaks TLS'),
    hint: expect.stringContaining('https://'),
  })
})

test('anything older than TLS 1.3 is refused', async () => {
  const { port } = listener
  const old = connectSecurely({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2', ca: '' })
  await expect(
    new Promise((resolve, reject) => {
      old.once('secureConnect', resolve).once('error', reject)
    }),
  ).rejects.toThrow(/protocol version/)
})

test('a connection that never says a word does not hold up the end', async () => {
  const silent = connect(listener.port, '127.0.0.1')
  silent.on('error', () => {})
  await new Promise((resolve) => {
    silent.once('connect', resolve)
  })
  const closed = new Promise((resolve) => {
    silent.once('close', resolve)
  })
  await listener.close(10)
  isClosed = true
  await closed
  expect(silent.destroyed).toBe(true)
})

test('without TLS only loopback is listened at, unless told in words', async () => {
  await expect(listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow(/say --tls/)
  const open = await listen({ host: '0.0.0.0', port: 0, shown: await shownBy('ours') })
  expect(open.url).toMatch(/^https:\/\/0\.0\.0\.0:/)
  await open.close(0)
})
