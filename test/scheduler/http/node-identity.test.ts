/** A node's identity: won once, good for that node alone, renewed and ended. */
import { createHash, randomBytes } from 'node:crypto'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { joinTokenText, nodeIdentityText } from '../../../proto/node-identity.ts'
import { operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'
import { realRoom, type RealRoom } from './real-room.ts'

let room: RealRoom
let n1: FakeNode
let n2: FakeNode
beforeEach(async () => {
  room = await realRoom()
  n1 = await room.grid.node('n1', { slots: 1 })
  n2 = await room.grid.node('n2', { slots: 1 })
})
afterEach(() => room.end())

const hex = () => randomBytes(32).toString('hex')
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const hour = 3_600_000

async function joinToken(node: string | null = null, expiresInMs = hour): Promise<string> {
  const secret = hex()
  const body = { node, expiresInMs, hash: hashOf(secret) }
  const { id } = await room.grid.ok('createJoinToken', operator, { body })
  return joinTokenText(id, secret)
}
const join = (node: string, token: string, secret = hex()) =>
  room.ask('POST', '/v1/node/join', null, { node, token, hash: hashOf(secret) })
const report = (node: FakeNode, as: string) =>
  room.ask('POST', '/v1/node/report', as, node.build(true))
const orders = async (node: string, as: string) =>
  (await room.ask('GET', `/v1/node/orders?node=${node}`, as)).status

test('a token lets one node join, once; a lost reply may be asked for again', async () => {
  const token = await joinToken()
  const secret = hex()
  expect(await join('n3', token, secret)).toMatchObject({ status: 200, body: { node: 'n3' } })
  expect((await join('n3', token, secret)).status).toBe(200)
  expect(await join('n3', token)).toMatchObject({ status: 409 })
  expect((await join('n4', token)).body['detail']).toContain('was used by n3 at')
  const late = await joinToken(null, 1000)
  await room.grid.clock.advance(1000)
  expect((await join('n4', late)).body).toMatchObject({
    code: 'unauthenticated',
    detail: expect.stringContaining('expired'),
  })
  for (const none of ['x', token.replace('egj.1', 'egj.7'), token.slice(0, -1) + 'g'])
    expect((await join('n4', none)).status).toBe(401)
  expect(JSON.stringify(room.grid.commits)).not.toContain(secret)
  const { entries } = await room.grid.ok('listAudit', operator, { query: { node: 'n3' } })
  expect(entries).toMatchObject([
    { what: 'node join', by: 'olga', from: '127.0.0.1, join token 1' },
  ])
})

test('a node that is there is replaced only with a token that names it', async () => {
  expect((await join('n1', await joinToken())).body).toMatchObject({ code: 'name-taken' })
  const named = await joinToken('n1')
  expect((await join('n2', named)).body).toMatchObject({ code: 'refused' })
  expect((await join('n1', named)).status).toBe(200)
})

test('it reports and takes orders for its own node, and does nothing else', async () => {
  const one = await room.identityOf('n1')
  const two = await room.identityOf('n2')
  expect((await report(n1, one)).status).toBe(200)
  expect(await orders('n1', one)).toBe(200)
  // Another node's orders, another node's report, a new secret for another node.
  expect(await orders('n1', two)).toBe(403)
  expect((await report(n1, two)).body['detail']).toContain('the identity of n2')
  const renew = { node: 'n1', hash: hashOf(hex()) }
  expect((await room.ask('POST', '/v1/node/identity', two, renew)).status).toBe(403)
  // A user.
  for (const [method, path] of [
    ['GET', '/v1/jobs'],
    ['POST', '/v1/jobs'],
    ['POST', '/v1/nodes/n1/cordon'],
    ['POST', '/v1/node-tokens'],
  ] as const)
    expect((await room.ask(method, path, two, method === 'GET' ? undefined : {})).status).toBe(403)
  // Once it has an identity, the secret of the data folder does not speak for it.
  expect((await report(n1, room.nodeSecret)).status).toBe(403)
  expect(await orders('n1', room.nodeSecret)).toBe(403)
  await room.grid.node('n3')
  expect((await report(room.grid.nodes[2]!, room.nodeSecret)).status).toBe(200)
})

test('what it says of runs on another node changes nothing there', async () => {
  const { grid } = room
  const job = await grid.submit()
  await grid.tick()
  const [host, thief] = n1.has(`${job}.1`) ? [n1, n2] : [n2, n1]
  host.start(`${job}.1`)
  await host.report()
  expect(await grid.state(job)).toBe('running')
  const as = await room.identityOf(thief.name)
  const [held] = structuredClone([...host.held.values()])
  const ended = { kind: 'ended', cause: { kind: 'exit', code: 0 } } as const
  const placements = [{ ...held!.report, phase: ended, version: 99 }]
  const told = await room.ask('POST', '/v1/node/report', as, { ...thief.build(false), placements })
  expect(told.status).toBe(200)
  expect(await grid.state(job)).toBe('running')
  expect((await grid.show(job)).node).toBe(host.name)
  // It lies about everything at once: that nothing is placed anywhere.
  await room.ask('POST', '/v1/node/report', as, { ...thief.build(true), placements: [] })
  expect(await grid.state(job)).toBe('running')
})

test('an answer counts only from the node that was asked', async () => {
  const one = await room.identityOf('n1')
  const two = await room.identityOf('n2')
  n1.attach()
  const asked = room.grid.brain.ask('n1', { kind: 'read-log' } as never, 1000)
  const line = n1.lines.findLast(({ kind }) => kind === 'ask') as { id: string }
  const answer = { ok: true, problem: null, data: '', cursor: null, end: true }
  const say = (as: string, data: string) =>
    room.ask('POST', `/v1/node/answers/${line.id}`, as, { ...answer, data })
  expect((await say(two, 'Zm9yZ2Vk')).status).toBe(404)
  expect((await say(room.nodeSecret, 'Zm9yZ2Vk')).status).toBe(404)
  expect((await say(one, 'dHJ1ZQ==')).status).toBe(200)
  expect(await asked).toMatchObject({ data: 'dHJ1ZQ==' })
})

test('a new secret takes the place of the old one when it is first shown', async () => {
  const old = await room.identityOf('n1')
  const secret = hex()
  const fresh = nodeIdentityText('n1', secret)
  const renew = { node: 'n1', hash: hashOf(secret) }
  expect((await report(n1, fresh)).status).toBe(401)
  expect((await room.ask('POST', '/v1/node/identity', old, renew)).status).toBe(200)
  expect((await report(n1, old)).status).toBe(200)
  // Asked again, after a reply that was lost: the old one is still good.
  expect((await room.ask('POST', '/v1/node/identity', old, renew)).status).toBe(200)
  expect((await report(n1, old)).status).toBe(200)
  expect((await report(n1, fresh)).status).toBe(200)
  expect((await report(n1, old)).status).toBe(401)
})

test('revoked, it is out at once; removed, its identity goes with it', async () => {
  const { grid } = room
  const as = await room.identityOf('n1')
  let closed = false
  grid.brain.attachOrders('n1', { send: () => {}, close: () => void (closed = true) })
  expect((await report(n1, as)).status).toBe(200)
  await grid.ok('revokeNode', operator, { params: { node: 'n1' } })
  expect(closed).toBe(true)
  expect((await report(n1, as)).status).toBe(401)
  expect(await orders('n1', as)).toBe(401)
  expect(await grid.refused('revokeNode', operator, { params: { node: 'n1' } })).toBe('wrong-state')
  expect(await grid.refused('revokeNode', operator, { params: { node: 'n9' } })).toBe('not-found')

  const two = await room.identityOf('n2')
  await grid.pass(25_000)
  await grid.ok('loseNode', operator, { params: { node: 'n2' }, body: { confirmed: true } })
  await grid.ok('removeNode', operator, { params: { node: 'n2' } })
  expect(grid.brain.nodeKey('n2')).toBe(null)
  expect((await report(n2, two)).status).toBe(401)
  await grid.reopen()
  expect(grid.brain.nodeKey('n2')).toBe(null)
})
