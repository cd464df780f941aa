import { createHash } from 'node:crypto'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { AuditEntry } from '../../proto/rights.ts'
import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, Refused, type FakeApi } from '../support/fake-api.ts'

const at = '2026-11-23T07:00:00.000Z'
const roles = [
  { owner: 'root', role: 'manager', by: null, at: null },
  { owner: 'ole', role: 'operator', by: 'root', at },
]
const entry = (more: Partial<AuditEntry>): AuditEntry => ({
  id: 1,
  at,
  by: 'anna',
  rights: 'user',
  from: '127.0.0.1',
  what: 'stop',
  about: 'job 17',
  job: 17,
  toJob: null,
  owner: 'anna',
  before: { wanted: 'run' },
  after: { wanted: 'stop', why: 'enough' },
  ...more,
})
let api: FakeApi
let data: ReturnType<typeof ownDataFolder>
const run = (...argv: string[]) => eg(argv, { url: api.url })
const last = () => api.heard.at(-1)

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  data = ownDataFolder()
  api = await fakeApi({
    listRoles: () => ({ roles, operatorsGroup: 'evergrid-operators' }),
    grantRole: () => roles[1],
    revokeRole: () => ({}),
  })
})
afterEach(async () => {
  await api.close()
  data.remove()
})

test('roles are listed, granted and taken', async () => {
  const listed = await run('role', 'list')
  expect(listed.out.split('\n')).toMatchObject([
    'USER  ROLE      SINCE                GRANTED BY',
    expect.stringMatching(/^root {2}manager +- +runs the grid$/),
    expect.stringMatching(/^ole {3}operator {2}2026-11-23 07:00:00 {2}root$/),
    '',
  ])
  expect(listed.err).toContain('members of the unix group evergrid-operators')
  expect(JSON.parse((await run('role', 'list', '--json')).out)).toMatchObject({ roles })
  expect(await run('role', 'grant', 'operator', 'ole')).toMatchObject({ out: 'ole is operator\n' })
  expect(last()).toMatchObject({ name: 'grantRole', body: { owner: 'ole', role: 'operator' } })
  expect((await run('role', 'revoke', 'ole')).out).toBe('ole has no role any more\n')
  expect(last()).toMatchObject({ name: 'revokeRole', params: { owner: 'ole' } })
  const wrong = await run('role', 'grant', 'king', 'ole')
  expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining('operator or manager') })
})

test('weights are said by owner and group, and shown where somebody has one', async () => {
  const owner = { pending: 0, average: 0.5, slots: 2 }
  const owners = [
    { ...owner, owner: 'anna', group: null, weight: 3, share: 1, debt: -1.5 },
    { ...owner, owner: 'bert', group: 'lab', weight: 1, share: 3, debt: 1.5 },
  ]
  const groups = [{ group: 'lab', weight: 5, share: 0.6, debt: 0 }]
  api.handlers.setShares = () => ({ halfLifeMs: 43_200_000, slots: 8, owners, groups })
  const set = await run(
    'shares',
    'set',
    'anna=3',
    'group:lab=0.5',
    'cat=usual',
    '--half-life',
    '12h',
  )
  expect(last()).toMatchObject({
    body: { owners: { anna: 3, cat: null }, groups: { lab: 0.5 }, halfLifeMs: 43_200_000 },
  })
  expect(set.out).toMatch(/^lab +5 +0\.6 +0\.0$/m)
  expect(set.out).toMatch(/^anna +- +3 +2 +0 +0\.5 +1\.0 +-1\.5$/m)
  expect(set.out).toContain('forgotten in 12h')
  await run('shares', 'set', '--half-life', 'usual')
  expect(last()).toMatchObject({ body: { halfLifeMs: null } })
  for (const wrong of ['anna', 'anna=0', 'anna=Infinity', 'anna=-1', 'anna=much', 'a:b=2', '=2'])
    expect((await run('shares', 'set', wrong)).status).toBe(2)
  expect((await run('shares', 'set')).status).toBe(2)
})

test('audit asks page by page, and tells each change in a line', async () => {
  const entries = [
    entry({ by: 'ole', rights: 'operator', id: 3 }),
    entry({ id: 2, what: 'schedule remove', about: 'schedule s of anna', after: null }),
    entry({ before: null, what: 'submit', after: { name: 'bot\u001B[2J', tasks: 1 } }),
  ]
  api.handlers.listAudit = ({ query }) =>
    query['page'] === undefined
      ? { entries: entries.slice(0, 2), next: '2' }
      : { entries: entries.slice(2), next: null }
  const filters = [
    '--by',
    'ole',
    '--owner',
    'anna',
    '--what',
    'stop',
    '--job',
    '17',
    '--node',
    'n1',
  ]
  const told = await run('audit', ...filters, '--since', '2h', '--until', '2026-11-23')
  expect(api.heard.map(({ query }) => query['page'])).toEqual([undefined, '2'])
  expect(last()?.query).toMatchObject({
    by: 'ole',
    owner: 'anna',
    what: 'stop',
    job: '17',
    node: 'n1',
    since: '2026-11-23T06:00:00.000Z',
    until: '2026-11-23T00:00:00.000Z',
  })
  const [, first, second, third] = told.out.split('\n')
  expect(first).toMatch(
    /ole \(operator\) +127\.0\.0\.1 +stop +job 17 of anna +wanted: run -> stop, why: enough$/,
  )
  expect(second).toMatch(/anna +127\.0\.0\.1 +schedule remove +schedule s of anna +removed$/)
  expect(third).toMatch(/submit +job 17 +name: bot\uFFFD\[2J, tasks: 1$/)
  expect(JSON.parse((await run('audit', '--json')).out)).toEqual(entries)
  expect((await run('audit', '--limit', '2')).err).toContain(
    'there are more than these 2: see them with a greater limit, as --limit 20',
  )
  expect((await run('audit', '--since', 'noon')).status).toBe(2)
})

const token = {
  id: 7,
  name: 'ci',
  owner: 'ada',
  scopes: ['read-own', 'submit'],
  createdAt: at,
  expiresAt: '2027-02-21T07:00:00.000Z',
  revoked: null,
}

test('a token is printed once, and only its hash is sent', async () => {
  api.handlers.createToken = () => token
  const made = await run('token', 'create', '--scope', 'read-own,submit', '--expires', '7d', 'ci')
  expect(made.out).toMatch(/^egt\.7\.[0-9a-f]{64}\n$/)
  expect(made.err).toContain('token 7 "ci" for read-own, submit, until 2027-02-21')
  const secret = made.out.trim().split('.')[2] ?? ''
  expect(last()?.body).toEqual({
    name: 'ci',
    scopes: ['read-own', 'submit'],
    expiresInMs: 7 * 86_400_000,
    hash: createHash('sha256').update(secret).digest('hex'),
  })
  const again = JSON.parse((await run('token', 'create', '--scope', 'submit', '--json', 'x')).out)
  expect(again).toMatchObject({ ...token, token: expect.stringMatching(/^egt\.7\./) })
  expect(again.token).not.toBe(made.out.trim())
  for (const wrong of [
    ['x'],
    ['--scope', 'all', 'x'],
    ['--scope', 'submit', '--expires', '400d', 'x'],
  ])
    expect((await run('token', 'create', ...wrong)).status).toBe(2)
})

test('tokens are listed, and revoked by name or number', async () => {
  const revoked = { ...token, id: 6, revoked: { at, by: 'root' } }
  api.handlers.listTokens = () => ({ tokens: [revoked, token] })
  api.handlers.revokeToken = ({ params }) => ({ ...token, id: Number(params['token']) })
  const [, first, second] = (await run('token', 'list')).out.split('\n')
  expect(first).toMatch(/^ +6 {2}ci +read-own, submit +2026-11-23 07:00:00 +revoked by root$/)
  expect(second).toMatch(/ 7 {2}ci +.*until 2027-02-21 07:00:00$/)
  expect((await run('token', 'revoke', 'ci')).out).toBe('token 7 "ci" opens nothing any more\n')
  expect((await run('token', 'revoke', '3')).out).toContain('token 3 ')
  expect((await run('token', 'revoke', 'cd')).status).toBe(5)
})

test('a token of the environment is all that is shown', async () => {
  process.env['EVERGRID_TOKEN'] = 'egt.1.abc'
  try {
    await run('role', 'list')
    expect(last()?.headers.authorization).toBe('Bearer egt.1.abc')
    api.handlers.listRoles = () => {
      throw new Refused({ code: 'unauthenticated', detail: 'it expired', hint: 'eg proves itself' })
    }
    // With the variable set eg proves nothing by itself: what helps is another token, or none.
    expect(await run('role', 'list')).toMatchObject({
      status: 4,
      err:
        'eg: it expired\neg: the token is that of EVERGRID_TOKEN: make another with ' +
        '`eg token create`, or unset the variable\n',
    })
    expect(api.heard.every(({ headers }) => headers.authorization === 'Bearer egt.1.abc')).toBe(
      true,
    )
  } finally {
    delete process.env['EVERGRID_TOKEN']
  }
})

test('sharing is added, ended and listed', async () => {
  const shared = { owner: 'ada', group: 'keepers', job: null, by: 'ada', at }
  api.handlers.addSharing = () => shared
  api.handlers.removeSharing = () => ({})
  api.handlers.listSharing = () => ({
    sharing: [shared],
    withMe: [{ ...shared, owner: 'bo', job: 3 }],
  })
  expect((await run('share', 'add', 'keepers')).out).toBe('all jobs of ada shared with keepers\n')
  expect(last()?.body).toEqual({ group: 'keepers' })
  await run('share', 'remove', '--job', 'bot', '--owner', 'bo', 'keepers')
  expect(last()).toMatchObject({ params: { group: 'keepers' }, query: { job: 'bot', owner: 'bo' } })
  const [, first, second] = (await run('share', 'list')).out.split('\n')
  expect(first).toMatch(/^ada +all +keepers +2026/)
  expect(second).toMatch(/^bo +job 3 +keepers +2026/)
})

test('a join token is printed once; an identity ends at once, or with its node', async () => {
  api.handlers.createJoinToken = () => ({ id: 4, node: 'n1', expiresAt: at })
  api.handlers.grid = () => ({ authority: null })
  api.handlers.revokeNode = () => ({})
  api.handlers.removeNode = () => ({})
  const made = await run('node', 'token', '--node', 'n1', '--expires', '2d')
  expect(made.out).toMatch(/^egj\.4\.[0-9a-f]{64}\n$/)
  const secret = made.out.trim().split('.')[2] ?? ''
  const hash = createHash('sha256').update(secret).digest('hex')
  expect(last()?.body).toEqual({ node: 'n1', expiresInMs: 2 * 86_400_000, hash })
  api.handlers.grid = () => ({ authority: 'a'.repeat(64) })
  expect((await run('node', 'token')).out).toMatch(/^egj\.4\.[0-9a-f]{64}\.a{64}\n$/)
  expect(last()?.body).toMatchObject({ node: null, expiresInMs: 3_600_000 })
  expect((await run('node', 'token', '--expires', '8d')).status).toBe(2)
  expect((await run('node', 'remove', '--revoke', 'n1')).out).toContain('no longer good')
  expect(api.heard.map(({ name }) => name)).not.toContain('removeNode')
  await run('node', 'remove', 'n1')
  expect(last()?.name).toBe('removeNode')
})
