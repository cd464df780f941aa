/** Tokens for programs: what they open, what they never open, and how they end. */
import { afterEach, beforeEach, expect, test } from 'vitest'

import { longestTokenMs } from '../../../proto/token.ts'
import { bert } from '../../support/brain.ts'
import { realRoom, type RealRoom } from './real-room.ts'

let room: RealRoom
let job = 0
beforeEach(async () => {
  room = await realRoom()
  job = await room.grid.submit({ name: 'bot' })
})
afterEach(() => room.end())

const get = (path: string, as: string) => room.ask('GET', path, as)
const hour = 3_600_000

test('a token of one’s own shows what is one’s own and nothing else', async () => {
  const as = await room.tokenOf('bert', ['read-own'])
  const { grid } = room
  const berts = await grid.submit({ name: 'mine' }, bert)
  const done = await grid.submit({}, bert)
  await grid.stop([done], bert)
  for (const own of [berts, done]) expect((await get(`/v1/jobs/${own}`, as)).status).toBe(200)
  for (const path of ['', '?owner=bert']) {
    const { body } = await get(`/v1/jobs${path}`, as)
    expect(body['jobs']).toMatchObject([{ id: berts }])
  }
  for (const path of [
    `/v1/jobs/${job}`,
    `/v1/jobs/${job}/explain`,
    `/v1/jobs/${job}/wait`,
    `/v1/jobs/${job}/log`,
    '/v1/jobs?all=true',
    '/v1/jobs?owner=anna',
    '/v1/jobs?finished=true&owner=anna',
    '/v1/schedules?all=true',
    '/v1/quota?owner=anna',
    '/v1/audit?owner=anna',
  ]) {
    const told = await get(path, as)
    expect({ path, status: told.status }).toEqual({ path, status: 403 })
    expect(told.body['detail']).toMatch(/only what belongs to bert|belongs to anna/)
  }
})

test('an operator’s token is an operator’s only with that scope, and never a manager’s', async () => {
  const root = { owner: 'root', rights: 'manager', from: 'test' } as const
  await room.grid.node('n1')
  await room.grid.ok('grantRole', root, { body: { owner: 'mia', role: 'manager' } })
  const cordon = async (as: string) =>
    (await room.ask('POST', '/v1/nodes/n1/cordon', as, {})).status
  expect(await cordon(await room.tokenOf('mia', ['manage-own']))).toBe(403)
  const operate = await room.tokenOf('mia', ['operate'])
  expect(await cordon(operate)).toBe(200)
  expect((await get('/v1/whoami', operate)).body).toMatchObject({
    owner: 'mia',
    rights: 'operator',
    token: { scopes: ['operate'] },
  })
  expect((await get(`/v1/jobs/${job}`, operate)).status).toBe(200)
  const role = { owner: 'carl', role: 'manager' }
  expect((await room.ask('POST', '/v1/roles', operate, role)).status).toBe(403)
  expect(await cordon(await room.tokenOf('anna', ['operate']))).toBe(403)
  // It is her rights of now that count.
  await room.grid.ok('revokeRole', root, { params: { owner: 'mia' } })
  expect(await cordon(operate)).toBe(403)
  const { entries } = await room.grid.ok('listAudit', root, { query: { what: 'node cordon' } })
  expect(entries).toMatchObject([{ by: 'mia', rights: 'operator', from: '127.0.0.1, token t2' }])
})

test('one that has expired, was revoked, or is none, says so', async () => {
  const short = await room.tokenOf('anna', ['read-own'], { lastsMs: hour })
  const revoked = await room.tokenOf('anna', ['read-own'], { revoked: true })
  expect((await get('/v1/jobs', short)).status).toBe(200)
  await room.grid.clock.advance(hour)
  const told = async (as: string) => {
    const { status, body } = await get('/v1/jobs', as)
    return [status, body['detail']]
  }
  expect(await told(short)).toEqual([401, expect.stringMatching(/^the token "t1" expired at 20/)])
  expect(await told(revoked)).toEqual([401, expect.stringMatching(/"t2" was revoked by anna at/)])
  const none = [401, expect.stringContaining('no valid token')]
  const wrong = (text: string) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0')
  expect(await told(wrong(short))).toEqual(none)
  expect(await told(short.replace('egt.1.', 'egt.2.'))).toEqual(none)
  expect(await told(`egt.77.${'0'.repeat(64)}`)).toEqual(none)
})

test('what is stored is a hash, and survives with all that is known of it', async () => {
  const as = await room.tokenOf('anna', ['submit', 'read-own'])
  const secret = as.split('.')[2] ?? ''
  expect(secret).toHaveLength(64)
  expect(JSON.stringify(room.grid.commits)).not.toContain(secret)
  const { grid } = room
  await grid.reopen()
  expect(grid.brain.apiToken(1)).toMatchObject({ owner: 'anna', name: 't1', revokedAt: null })
  const anna = { owner: 'anna', rights: 'user', from: 'test' } as const
  const { tokens } = await grid.ok('listTokens', anna)
  expect(tokens).toMatchObject([{ id: 1, scopes: ['submit', 'read-own'], revoked: null }])
  expect((await grid.ok('listTokens', bert)).tokens).toEqual([])
  expect(await grid.refused('listTokens', bert, { query: { all: true } })).toBe('forbidden')
  expect(await grid.refused('revokeToken', bert, { params: { token: '1' } })).toBe('forbidden')
  expect(await grid.refused('revokeToken', anna, { params: { token: '9' } })).toBe('not-found')
})

test('of those that are over the newest hundred of an owner are kept', async () => {
  const { grid } = room
  const first = await room.tokenOf('bert', ['submit'], { revoked: true })
  const kept = await room.tokenOf('bert', ['submit'], { revoked: true })
  const others = await room.tokenOf('carl', ['submit'], { revoked: true })
  for (let nth = 0; nth < 100; nth += 1) await room.tokenOf('bert', ['submit'], { revoked: true })
  await grid.quiet()
  const told = async (as: string) => (await get('/v1/jobs', as)).body['detail']
  for (const again of [false, true]) {
    if (again) await grid.reopen()
    const { tokens } = await grid.ok('listTokens', bert, { query: {} })
    expect(tokens).toHaveLength(101)
  }
  expect(await told(first)).toContain('no valid token')
  for (const one of [kept, others]) expect(await told(one)).toContain('was revoked')
})

test('a name is taken while its token lives; how many and how long has an end', async () => {
  const { grid } = room
  const body = { name: 'ci', scopes: ['submit' as const], expiresInMs: hour, hash: 'e'.repeat(64) }
  await grid.ok('createToken', bert, { body })
  expect(await grid.refused('createToken', bert, { body })).toBe('name-taken')
  await grid.clock.advance(hour)
  for (let nth = 0; nth < 100; nth += 1)
    await grid.ok('createToken', bert, { body: { ...body, name: `n${nth}` } })
  expect(await grid.refused('createToken', bert, { body })).toBe('over-quota')
  const long = { ...body, expiresInMs: longestTokenMs + 1 }
  const as = room.loginOf('carl')
  expect((await room.ask('POST', '/v1/tokens', as, long)).status).toBe(400)
})
