import { afterEach, beforeEach, expect, test } from 'vitest'

import type { AuditEntry } from '../../proto/rights.ts'
import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, type FakeApi } from '../support/fake-api.ts'

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
  expect((await run('audit', '--limit', '2')).err).toContain('there are more')
  expect((await run('audit', '--since', 'noon')).status).toBe(2)
})
