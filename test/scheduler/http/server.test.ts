import http from 'node:http'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { routes } from '../../../proto/api.ts'
import { refuse } from '../../../scheduler/brain/call.ts'
import { siteProblem } from '../../../scheduler/http/site.ts'
import { aRoom, post, type ARoom } from './a-room.ts'

let room: ARoom
beforeEach(async () => {
  room = await aRoom()
})
afterEach(() => room.end())

const job = { command: ['true'], cwd: '/' }

/** As fetch does, with headers that fetch does not let one set. */
function raw(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const bearer = { authorization: `Bearer ${room.secret}` }
    const request = http.request(room.url + path, { method, headers: { ...bearer, ...headers } })
    request.once('response', (reply) => resolve(reply.resume().statusCode ?? 0))
    request.once('error', reject).end()
  })
}

test('a submit reaches the brain with who calls, and its reply comes back', async () => {
  const reply = await room.ask('/v1/jobs', post({ ...job, slots: 2 }))
  expect(reply).toMatchObject({ status: 200, body: { job: 1, tasks: 1 } })
  expect(room.door.calls).toMatchObject([
    { name: 'submitJob', call: { caller: { rights: 'manager' }, body: { slots: 2 } } },
  ])
})

const check = { intervalMs: 1000, timeoutMs: 1000, threshold: 1 }
test.each([
  ['an unknown field is named', { ...job, slotz: 2 }, 'the body has no field slotz'],
  ['also further down', { ...job, stop: { signal: 'SIGINT', graceMs: 1, x: 1 } }, 'field stop.x'],
  ['a missing field is named', { command: ['true'] }, 'the body lacks cwd'],
  ['a wrong type is told', { ...job, slots: 'two' }, 'slots must be integer'],
  ['null is not offered as the way out', { ...job, maxRunning: 0 }, 'maxRunning must be >= 1'],
  ['an environment name with =', { ...job, env: { 'A=B': 'x' } }, 'env.A=B'],
  ['a bad name is told how to be', { ...job, name: '17' }, 'it starts with a letter or underscore'],
  ['an empty name is told once', { ...job, name: '' }, 'name must not be empty'],
  ['a size is told as people write it', { ...job, memBytes: 1 }, 'must be >= 1048576 (1M)'],
  [
    'of a union only the branch that was meant counts',
    { ...job, check: { ...check, probe: { kind: 'http', url: 'ftp://x/' } } },
    'check.probe.url is not well formed: it begins with http:// or https://',
  ],
  [
    'a kind that there is not',
    { ...job, check: { ...check, probe: { kind: 'tcp' } } },
    'check.probe.kind must be',
  ],
  ['a NUL in an argument', { ...job, command: ['a\u0000b'] }, 'command.0 has a NUL in it'],
  [
    'half of a surrogate pair, which no UTF-8 says',
    { ...job, command: ['echo', 'a\ud800b'] },
    'command.1 has half of a surrogate pair in it',
  ],
  [
    'half a pair in the name of a variable',
    { ...job, env: { 'A\udc00': 'x' } },
    'a name in env has half of a surrogate pair in it',
  ],
  ['not an object', [1], 'the body must be object'],
])('%s', async (_what, body, detail) => {
  const reply = await room.ask('/v1/jobs', post(body))
  expect(reply.status).toBe(400)
  expect(reply.body).toMatchObject({ code: 'invalid', detail: expect.stringContaining(detail) })
  expect(reply.headers.get('content-type')).toContain('application/problem+json')
  expect(room.door.calls).toEqual([])
})

test('bytes that are no UTF-8 are refused, not replaced', async () => {
  const [before, after] = ['{"cwd":"/","command":["echo","', '"]}'].map((text) => Buffer.from(text))
  // As many bytes as what they would be replaced by.
  const body = Buffer.concat([before, Buffer.from([0xe2, 0x82, 0xff]), after] as Buffer[])
  const reply = await room.ask('/v1/jobs', { method: 'POST', body })
  expect(reply.status).toBe(400)
  expect(reply.body).toMatchObject({
    code: 'invalid',
    detail: 'the body is not UTF-8, as JSON has to be',
  })
  expect(room.door.calls).toEqual([])
})

test('query values are read as their schema says, and refused where they are not that', async () => {
  await room.ask('/v1/jobs?limit=10&all=true&name=7')
  expect(room.door.calls[0]?.call['query']).toEqual({ limit: 10, all: true, name: '7' })
  expect((await room.ask('/v1/jobs?limit=ten')).body['detail']).toBe('limit must be integer')
  expect((await room.ask('/v1/jobs?limits=1')).body['detail']).toBe('the query has no field limits')
})

test('a refusal of the brain is a problem with its code, hint and status', async () => {
  room.door.answerWith('showJob', () => refuse('not-found', 'no job 7', 'see eg jobs'))
  expect(await room.ask('/v1/jobs/7')).toMatchObject({
    status: 404,
    body: { type: 'urn:evergrid:error:not-found', code: 'not-found', hint: 'see eg jobs' },
  })
})

test.each([
  ['a change', '/v1/jobs', post(job)],
  ['a read', '/v1/jobs', {}],
  ['a refusal', '/v1/nodes/n/cordon', post({})],
  ['metrics', '/metrics', {}],
])('%s does not leave before it is settled', async (_what, path, init) => {
  const release = room.door.hold()
  let answered = false
  const reply = room.ask(path, init).finally(() => {
    answered = true
  })
  // Another request, which waits for nothing, goes round meanwhile.
  for (let n = 0; n < 5; n += 1) expect((await room.ask('/healthz')).status).toBe(200)
  expect(answered).toBe(false)
  release()
  expect((await reply).status).toBeGreaterThanOrEqual(200)
})

test('who asks too often is told when to come again, before anything is done; nodes are not counted', async () => {
  room.door.admit = () => ({
    refusal: { code: 'too-many-requests', detail: 'too many requests' },
    retryAfterMs: 2_500,
  })
  const calls = room.door.calls.length
  const refused = await room.ask('/v1/jobs')
  const report = await room.ask('/v1/node/orders', { as: room.secret })
  // What a manager has limited by mistake it can take back.
  const body = JSON.stringify({ subject: { kind: 'default', name: null }, unset: ['requests'] })
  expect((await room.ask('/v1/quotas', { method: 'POST', body })).status).toBe(200)
  room.door.admit = () => null
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests' } })
  expect(refused.headers.get('retry-after')).toBe('3')
  expect(report.status).toBe(403)
  expect(room.door.calls.slice(calls).map(({ name }) => name)).toEqual(['setQuota'])
})

test('where nothing can be written, changes are refused with the reason and reads are served', async () => {
  room.door.readOnlyBecause = () => 'the disk is full'
  expect(await room.ask('/v1/jobs', post(job))).toMatchObject({
    status: 503,
    body: { code: 'read-only', detail: 'the disk is full' },
  })
  expect(room.door.calls).toEqual([])
  expect((await room.ask('/v1/jobs')).status).toBe(200)
  expect(await room.ask('/readyz')).toMatchObject({
    status: 503,
    body: { detail: 'the disk is full' },
  })
  expect((await room.ask('/healthz')).status).toBe(200)
})

test('what could not be committed is answered 503', async () => {
  room.door.fail('write failed')
  room.door.readOnlyBecause = () => null
  expect(await room.ask('/v1/jobs', post(job))).toMatchObject({
    status: 503,
    body: { code: 'read-only', detail: 'write failed' },
  })
})

test('too large, not JSON, another content type, no such route', async () => {
  const large = { ...job, env: { A: 'x'.repeat(17 * 2 ** 20) } }
  expect((await room.ask('/v1/jobs', post(large))).body['code']).toBe('too-large')
  const broken = await room.ask('/v1/jobs', { method: 'POST', body: '{' })
  expect(broken).toMatchObject({ status: 400, body: { code: 'invalid' } })
  const form = { ...post(job), headers: { 'content-type': 'text/plain' } }
  expect(await room.ask('/v1/jobs', form)).toMatchObject({ body: { code: 'invalid' } })
  expect(await room.ask('/v1/job')).toMatchObject({ status: 404, body: { code: 'not-found' } })
})

test('every route refuses who shows nothing, or the wrong secret, before it reads a body', async () => {
  for (const route of Object.values(routes)) {
    if (route.access === 'open') continue
    const path = route.path.replaceAll(/:\w+/g, 'x')
    const wrong = route.access === 'node' ? room.secret : room.nodeSecret
    for (const [as, status] of [
      [null, 401],
      ['0'.repeat(64), 401],
      [wrong, 403],
    ] as const) {
      const reply = await room.ask(path, { method: route.method, as })
      expect({ path, status: reply.status }).toEqual({ path, status })
    }
  }
  expect(room.door.calls).toEqual([])
  expect(await raw('/v1/jobs', { authorization: '' }, 'HEAD')).toBe(404)
})

test('Host and Origin must be ours', async () => {
  expect(await raw('/v1/jobs', { host: 'evil.example' })).toBe(403)
  expect(await raw('/v1/jobs', { host: 'evil.example:6444' })).toBe(403)
  expect(siteProblem({}, new Set(), 'http')).toContain('missing')
  expect(siteProblem({ host: '' }, new Set(), 'http')).toContain('missing')
  for (const host of ['localhost:1', '127.0.0.1', '[::1]:6444', 'grid.example:80', '10.1.2.3:1']) {
    expect({ host, status: await raw('/v1/jobs', { host }) }).toEqual({ host, status: 200 })
  }
  expect(await raw('/v1/jobs', { origin: 'http://evil.example' })).toBe(403)
  expect(await raw('/v1/jobs', { origin: 'null' })).toBe(403)
  const host = 'localhost:6444'
  expect(await raw('/v1/jobs', { host, origin: 'http://localhost:6444' })).toBe(200)
  expect(await raw('/v1/jobs', { host, origin: 'http://localhost:6445' })).toBe(403)
})

test('metrics count requests by route, and what the brain counts', async () => {
  await room.ask('/v1/jobs')
  // The grid of these tests is private.
  expect((await room.ask('/metrics', { as: null })).status).toBe(401)
  const { text } = (await room.ask('/metrics')).body
  expect(text).toContain('evergrid_jobs{state="pending"} 3')
  expect(text).toContain('evergrid_http_request_seconds_count{route="GET /v1/jobs",status="2xx"} 1')
  expect(text).toContain('process_cpu_seconds_total')
})

test('who answers here, and as whom one is known', async () => {
  expect((await room.ask('/v1/grid', { as: null })).body).toMatchObject({
    grid: 'grid-of-tests',
    proof: 'secret',
    proofFolder: null,
  })
  expect((await room.ask('/v1/whoami')).body).toMatchObject({ rights: 'manager' })
  expect(await room.ask('/v1/login', post({ user: 'root' }))).toMatchObject({ status: 401 })
})
