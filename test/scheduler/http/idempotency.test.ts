import { afterEach, beforeEach, expect, test } from 'vitest'

import { done, refuse } from '../../../scheduler/brain/call.ts'
import { until } from '../../support/wait.ts'
import { aRoom, post, type ARoom } from './a-room.ts'

let room: ARoom
beforeEach(async () => {
  room = await aRoom()
})
afterEach(() => room.end())

const job = { command: ['true'], cwd: '/' }
const submits = () => room.door.calls.filter(({ name }) => name === 'submitJob').length

test('a request sent again under its key gets the first reply, and nothing is done twice', async () => {
  const first = await room.ask('/v1/jobs', { ...post(job), key: 'k' })
  const again = await room.ask('/v1/jobs', { ...post(job), key: 'k' })
  expect(again.body).toEqual(first.body)
  expect(first.headers.get('idempotency-replayed')).toBe(null)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(submits()).toBe(1)
})

test('spacing does not make another request; another field, route or query does', async () => {
  await room.ask('/v1/jobs', { ...post(job), key: 'k' })
  const spaced = { method: 'POST', body: JSON.stringify(job, null, 2), key: 'k' }
  expect((await room.ask('/v1/jobs', spaced)).status).toBe(200)
  const refused = { status: 422, body: { code: 'key-reused' } }
  expect(await room.ask('/v1/jobs', { ...post({ ...job, slots: 2 }), key: 'k' })).toMatchObject(
    refused,
  )
  expect(await room.ask('/v1/jobs/stop', { ...post({ all: true }), key: 'k' })).toMatchObject(
    refused,
  )
  await room.ask('/v1/schedules/a/pause', { ...post({}), key: 'p' })
  expect(await room.ask('/v1/schedules/b/pause', { ...post({}), key: 'p' })).toMatchObject(refused)
  expect(submits()).toBe(1)
})

test('a second request in flight joins the first; another under its key is refused', async () => {
  const release = room.door.hold()
  const first = room.ask('/v1/jobs', { ...post(job), key: 'k' })
  await until(() => submits() === 1)
  const second = room.ask('/v1/jobs', { ...post(job), key: 'k' })
  const other = room.ask('/v1/jobs', { ...post({ ...job, slots: 2 }), key: 'k' })
  release()
  expect((await second).body).toEqual((await first).body)
  expect((await second).headers.get('idempotency-replayed')).toBe('true')
  expect((await other).status).toBe(422)
  expect(submits()).toBe(1)
})

test('the reply is recorded in the turn that makes the change', async () => {
  let recordedInTurn: boolean | null = null
  room.door.answerWith('submitJob', () => {
    queueMicrotask(() => {
      recordedInTurn = room.door.replies.size === 1
    })
    return done({ job: 1, name: 'bot', tasks: 1, warnings: [] })
  })
  await room.ask('/v1/jobs', { ...post(job), key: 'k' })
  expect(recordedInTurn).toBe(true)
})

test('a refusal is not kept: what is put right may be tried under the same key', async () => {
  room.door.answerWith('submitJob', () => refuse('name-taken', 'job 3 has that name'))
  expect((await room.ask('/v1/jobs', { ...post(job), key: 'k' })).status).toBe(409)
  room.door.answerWith('submitJob', () => done({ job: 4, name: 'bot', tasks: 1, warnings: [] }))
  expect((await room.ask('/v1/jobs', { ...post(job), key: 'k' })).body['job']).toBe(4)
})

test('a key may have 255 characters and no more', async () => {
  expect((await room.ask('/v1/jobs', { ...post(job), key: 'k'.repeat(255) })).status).toBe(200)
  expect((await room.ask('/v1/jobs', { ...post(job), key: 'k'.repeat(256) })).status).toBe(400)
})
