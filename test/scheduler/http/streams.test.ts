import http from 'node:http'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { until } from '../../support/wait.ts'
import { aRoom, post, type ARoom } from './a-room.ts'

let room: ARoom
let open: http.ClientRequest[]
beforeEach(async () => {
  room = await aRoom('secret', 50)
  open = []
})
afterEach(async () => {
  for (const request of open) request.destroy()
  await room.end()
})

type Stream = { reply: http.IncomingMessage; text(): string; ended(): boolean }

function stream(path: string, as: string, headers: Record<string, string> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const bearer = { authorization: `Bearer ${as}` }
    const request = http.get(room.url + path, { headers: { ...bearer, ...headers } })
    open.push(request)
    request.once('error', reject).once('response', (reply) => {
      let text = ''
      reply.on('data', (part: Buffer) => (text += part.toString()))
      reply.on('error', () => {})
      resolve({ reply, text: () => text, ended: () => reply.readableEnded || reply.destroyed })
    })
  })
}
const ids = (events: Stream) =>
  [...events.text().matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))

test('orders: headers at once, lines in order, pings between, detached when the node goes', async () => {
  const orders = await stream('/v1/node/orders?node=n1', room.nodeSecret)
  expect(orders.reply.headers['content-type']).toBe('application/x-ndjson')
  room.door.sinks.get('n1')?.send({ kind: 'ping' })
  await until(() => orders.text().split('\n').length > 4)
  const lines = orders.text().trim().split('\n')
  expect(lines.slice(0, 2)).toEqual(['{"kind":"report-now"}', '{"kind":"ping"}'])
  open[0]?.destroy()
  await until(() => room.door.sinks.size === 0)
})

test('orders: the brain may close the stream', async () => {
  const orders = await stream('/v1/node/orders?node=n1', room.nodeSecret)
  room.door.sinks.get('n1')?.close()
  expect(await until(() => orders.ended())).toBe(true)
})

test('orders: a node that does not read is cut off, not remembered without end', async () => {
  const orders = await stream('/v1/node/orders?node=n1', room.nodeSecret)
  orders.reply.pause()
  const sink = room.door.sinks.get('n1')
  const id = 'x'.repeat(2 ** 20)
  for (let n = 0; n < 64 && room.door.sinks.size > 0; n += 1) {
    sink?.send({ kind: 'ask', id, ask: {} as never })
  }
  expect(await until(() => room.door.sinks.size === 0)).toBe(true)
})

test('answers reach who asked, and late ones are told so', async () => {
  const answer = { ok: true, problem: null, data: '', cursor: null, end: true, futureField: 1 }
  const as = room.nodeSecret
  expect((await room.ask('/v1/node/answers/asked', { ...post(answer), as })).status).toBe(200)
  expect((await room.ask('/v1/node/answers/other', { ...post(answer), as })).status).toBe(404)
})

const many = (count: number) => Array.from({ length: count }, () => ({ owner: 'ada' }))

test('events: from a position on, then live, without gap or double', async () => {
  room.door.happen(...many(1200))
  const events = await stream('/v1/events?since=100', room.secret)
  // While the store is read page by page, more happens.
  for (let n = 0; n < 200; n += 1) {
    room.door.happen(...many(3))
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  await until(() => ids(events).length >= 1700)
  expect(ids(events)).toEqual(Array.from({ length: 1700 }, (_, index) => index + 101))
  const queries = room.door.eventQueries
  room.door.happen(...many(2))
  await until(() => ids(events).length === 1702)
  expect(room.door.eventQueries).toBe(queries)
  open[0]?.destroy()
  await until(() => room.door.listeners.size === 0)
})

test('events: a reader who was slow gets the rest when he reads again', async () => {
  const events = await stream('/v1/events?since=0', room.secret)
  events.reply.pause()
  const detail = 'x'.repeat(10_000)
  for (let n = 0; n < 1000; n += 1) room.door.happen({ detail })
  events.reply.resume()
  await until(() => ids(events).length >= 1000)
  expect(ids(events)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
})

test('events: Last-Event-ID resumes, `job` selects, `follow=false` ends', async () => {
  room.door.happen({ job: 1 }, { job: 2 }, { job: 1 }, { job: 2 })
  const resumed = await stream('/v1/events?follow=false', room.secret, { 'last-event-id': '2' })
  const odd = await stream('/v1/events?follow=false', room.secret, { 'last-event-id': '2:1' })
  expect(odd.reply.statusCode).toBe(400)
  const ofJob = await stream('/v1/events?job=1&since=0', room.secret)
  await until(() => resumed.ended())
  expect(ids(resumed)).toEqual([3, 4])
  room.door.happen({ job: 2 }, { job: 1 })
  await until(() => ids(ofJob).length === 3)
  expect(ids(ofJob)).toEqual([1, 3, 6])
  expect(ofJob.text()).toContain('"at":"1970-01-01T00:00:00.000Z"')
})

test('events: a position that is no longer kept is refused', async () => {
  room.door.happen({ id: 10 }, { id: 11 })
  expect(await room.ask('/v1/events?since=9')).toMatchObject({ body: { code: 'cursor-gone' } })
  expect(await room.ask('/v1/events?since=12')).toMatchObject({ body: { code: 'cursor-gone' } })
  const kept = await stream('/v1/events?since=10&follow=false', room.secret)
  await until(() => kept.ended())
  expect(ids(kept)).toEqual([11])
})
