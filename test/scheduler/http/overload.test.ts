/** More requests than are taken at a time: who is refused, who is not, and who goes first. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

import { afterEach, expect, test } from 'vitest'

import { Turns } from '../../../scheduler/http/turns.ts'
import { until } from '../../support/wait.ts'
import { aRoom, type ARoom } from './a-room.ts'

let room: ARoom | undefined
afterEach(async () => {
  await room?.end()
  room = undefined
})

const submit = (one: ARoom, key: string) =>
  one.ask('/v1/jobs', {
    method: 'POST',
    body: JSON.stringify({ command: ['true'], cwd: '/' }),
    key,
  })

test('more than are taken are told to come again; what was taken is answered, and nodes are always heard', async () => {
  room = await aRoom('secret', 10_000, 8)
  const release = room.door.hold()
  // Half of all: nobody may have more.
  const taken = ['a', 'b', 'c', 'd'].map((key) => submit(room!, key))
  await until(() => room?.door.calls.length === 4, { what: 'four submits under way' })
  const refused = await submit(room, 'e')
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests' } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(room.door.calls).toHaveLength(4)
  const asked = room.ask('/v1/node/report', {
    method: 'POST',
    as: room.nodeSecret,
    body: '{}',
  })
  release()
  expect((await asked).status).toBe(400)
  for (const reply of await Promise.all(taken)) expect(reply.status).toBe(200)
  // Under the same key: what was refused has not happened.
  const again = await submit(room, 'e')
  expect(again.status).toBe(200)
  expect(again.headers.get('idempotency-replayed')).toBeNull()
  expect(room.door.calls).toHaveLength(5)
})

test('who hangs up makes room', async () => {
  room = await aRoom('secret', 10_000, 2)
  const release = room.door.hold()
  const gone = new AbortController()
  const left = room.ask('/v1/jobs', { signal: gone.signal }).catch(() => null)
  await until(() => room?.door.calls.length === 1, { what: 'a request under way' })
  expect((await room.ask('/v1/jobs')).status).toBe(429)
  gone.abort()
  await left
  release()
  await until(async () => (await room?.ask('/v1/jobs'))?.status === 200, { what: 'room' })
})

test('who hangs up while it is looked up who he is takes no room at all', async () => {
  room = await aRoom('secret', 10_000, 4)
  const { port } = room.listener
  const request = `GET /v1/jobs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${room.secret}\r\n\r\n`
  const sends = async () => {
    const line = connect(port, '127.0.0.1')
    await once(line, 'connect')
    line.write(request)
    return line
  }
  const { identity } = room
  const who = identity.who.bind(identity)
  const looks: (() => void)[] = []
  const slowly: typeof who = async (bearer) => {
    await new Promise<void>((resolve) => looks.push(resolve))
    return who(bearer)
  }
  Object.assign(identity, { who: slowly })
  const accepted: Socket[] = []
  const note = (message: unknown) => void accepted.push((message as { socket: Socket }).socket)
  subscribe('net.server.socket', note)
  const lines = [await sends(), await sends()]
  await until(() => looks.length === 2)
  unsubscribe('net.server.socket', note)
  for (const line of lines) line.destroy()
  await until(() => accepted.every(({ destroyed }) => destroyed))
  for (const look of looks) look()
  Object.assign(identity, { who })
  expect((await room.ask('/v1/jobs')).status).toBe(200)
})

test('an owner has half of the places at most', () => {
  const turns = new Turns(4)
  for (const owner of ['anna', 'anna']) void turns.enter(owner)
  expect([turns.isFull('anna'), turns.isFull('bert')]).toEqual([true, false])
  for (const owner of ['bert', 'carl']) void turns.enter(owner)
  expect(turns.isFull('dora')).toBe(true)
  turns.leave('anna')
  expect([turns.isFull('anna'), turns.isFull('dora')]).toEqual([false, false])
})

test('some are let in at a time, in order, and whatever comes between goes before the rest', async () => {
  const turns = new Turns(10_000)
  const order: number[] = []
  for (let nth = 0; nth < 200; nth++) {
    const wait = turns.enter('anna')
    if (wait === null) order.push(nth)
    else void wait.then(() => order.push(nth))
  }
  const atOnce = order.length
  expect(atOnce).toBeLessThan(100)
  await turn()
  // A node's request would be answered here, long before the last of them.
  expect(order.length).toBeLessThan(200)
  const late = turns.enter('bert')
  expect(late).not.toBeNull()
  await late
  expect(order).toEqual(Array.from({ length: 200 }, (_, nth) => nth))
  await turn()
  await turn()
  expect(turns.enter('anna')).toBeNull()
})
