/** Every route, called by everybody: docs/security.md has the table of who is let in, and this holds it to be true. */
import { readFileSync } from 'node:fs'

import { afterAll, expect, test } from 'vitest'

import { routes } from '../../../proto/api.ts'
import type { Route } from '../../../proto/route.ts'
import { anna } from '../../support/brain.ts'
import { realRoom, type RealRoom, type Told } from './real-room.ts'

const page = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8')
const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
const lines = page.split('\n').filter((line) => line.startsWith('|'))
const head = lines.findIndex((line) => cellsOf(line)[0] === 'route')
const roles = cellsOf(lines[head] ?? '').slice(1)
const table = new Map(
  lines.slice(head + 2).map((line) => {
    const [name = '', ...cells] = cellsOf(line)
    return [name.replaceAll('`', ''), cells] as const
  }),
)

/** Who they are: anna has the job, the schedule and a token, bert nothing to do with her; kim is in a group she shares with, ole is operator, mia manager. */
const bearers: Record<string, (room: RealRoom) => string | null | Promise<string>> = {
  nobody: () => null,
  expired: (room) => room.loginOf('anna', -1),
  revoked: (room) => room.tokenOf('anna', ['manage-own'], { revoked: true }),
  'exec-node': (room) => room.nodeSecret,
  node: (room) => room.identityOf('n1'),
  'other node': (room) => room.identityOf('n2'),
  'other user': (room) => room.loginOf('bert'),
  'co-maintainer': (room) => room.loginOf('kim'),
  owner: (room) => room.loginOf('anna'),
  operator: (room) => room.loginOf('ole'),
  manager: (room) => room.loginOf('mia'),
  'read-own': (room) => room.tokenOf('anna', ['read-own']),
  submit: (room) => room.tokenOf('anna', ['submit']),
  'manage-own': (room) => room.tokenOf('anna', ['manage-own']),
  operate: (room) => room.tokenOf('ole', ['operate']),
}

const command = { command: ['sleep', '9'], cwd: '/' }
type Request = {
  path?: Record<string, string>
  query?: string
  body?: unknown
}

/** What fills the route's parameters and body, where that is not empty. Job 1 is anna's. */
const requests: Record<string, Request> = {
  // Finished: nothing to wait for.
  waitJob: { path: { job: '2' } },
  submitJob: { body: command },
  editJob: { body: { priority: -1 } },
  ...Object.fromEntries(
    ['stop', 'hold', 'release', 'suspend', 'resume', 'restart'].map((verb) => [
      `${verb}Jobs`,
      { body: { jobs: ['1'] } },
    ]),
  ),
  addSchedule: { body: { name: 'more', expression: '@daily', job: command } },
  editSchedule: { query: '?owner=anna', body: { jitterMs: 5 } },
  ...Object.fromEntries(
    [
      'showSchedule',
      'nextFirings',
      'pauseSchedule',
      'resumeSchedule',
      'runSchedule',
      'removeSchedule',
    ].map((name) => [name, { query: '?owner=anna' }]),
  ),
  loseNode: { body: { confirmed: true } },
  orders: { query: '?node=n1' },
  answer: {
    path: { id: '1' },
    body: { ok: false, problem: null, data: '', cursor: null, end: true },
  },
  login: { body: { user: 'anna' } },
  prove: { body: { challenge: 'x' } },
  events: { query: '?follow=false' },
  replaceCrontab: { body: { text: '', schedules: [] } },
  addSharing: { body: { group: 'keepers' } },
  removeSharing: { path: { group: 'keepers' }, query: '?owner=anna' },
  createJoinToken: { body: { node: 'n9', expiresInMs: 9000, hash: 'f'.repeat(64) } },
  joinNode: { body: { node: 'n9', token: 'egj.1.0', hash: 'f'.repeat(64) } },
  renewNode: { body: { node: 'n1', hash: 'e'.repeat(64) } },
  createToken: {
    body: { name: 'ci', scopes: ['submit'], expiresInMs: 9000, hash: 'f'.repeat(64) },
  },
  revokeToken: { path: { token: '1' } },
  setQuota: { body: { subject: { kind: 'owner', name: 'anna' }, set: { jobs: 5 }, forMs: 9000 } },
  setShares: { body: { owners: { anna: 2 } } },
  addQueue: { body: { name: 'fast' } },
  setResource: { body: { name: 'lock', total: 2 } },
  editQueue: { body: { priority: 3 } },
  grantRole: { body: { owner: 'carl', role: 'operator' } },
  revokeRole: { path: { owner: 'carl' } },
}
const usual: Record<string, string> = {
  queue: 'task',
  resource: 'lock',
  job: '1',
  schedule: 'nightly',
  node: 'n1',
}

const rooms: RealRoom[] = []
afterAll(async () => {
  for (const room of rooms) await room.end()
})

/** What only reads leaves the room as it was: one serves for all of it. */
let forReading: Promise<RealRoom> | null = null
const roomFor = (route: Route): Promise<RealRoom> =>
  route.access === 'user' && route.method === 'GET' ? (forReading ??= annasRoom()) : annasRoom()

const shown = new Map<RealRoom, Map<string, string | null>>()
async function bearerOf(room: RealRoom, role: string): Promise<string | null> {
  const known = shown.get(room) ?? new Map<string, string | null>()
  shown.set(room, known)
  const bearer = known.get(role) ?? (await bearers[role]?.(room)) ?? null
  known.set(role, bearer)
  return bearer
}

async function annasRoom(): Promise<RealRoom> {
  const made = await realRoom()
  rooms.push(made)
  const { grid } = made
  const root = { owner: 'root', rights: 'manager', from: 'test' } as const
  await grid.ok('grantRole', root, { body: { owner: 'ole', role: 'operator' } })
  await grid.ok('grantRole', root, { body: { owner: 'mia', role: 'manager' } })
  await made.tokenOf('anna', ['read-own'])
  await grid.node('n1')
  await grid.ok('setResource', root, { body: { name: 'lock', total: 1 } })
  await grid.submit({ kind: 'continuous', name: 'bot' })
  await grid.ok('addSharing', anna, { body: { group: 'keepers' } })
  await grid.stop([await grid.submit()])
  const body = { name: 'nightly', expression: '@daily', job: command }
  await grid.ok('addSchedule', anna, { body })
  return made
}

const isLetIn = ({ status, body }: Told): boolean => {
  if (status === 401 || status === 403) return false
  const refused = (body['refused'] ?? []) as { code: string }[]
  return refused.every(({ code }) => code !== 'forbidden')
}

test('the table names every route and everybody', () => {
  expect([...table.keys()].toSorted()).toEqual(Object.keys(routes).toSorted())
  expect(roles).toEqual(Object.keys(bearers))
})

test.each(Object.entries<Route>(routes))('%s lets in whom the table says', async (name, route) => {
  const room = await roomFor(route)
  const { path = {}, query = '', body } = requests[name] ?? {}
  const place = route.path.replace(/:(\w+)/g, (_, key: string) => path[key] ?? usual[key] ?? '')
  const sent =
    name === 'report'
      ? room.grid.nodes[0]?.build(true)
      : (body ?? (route.method === 'GET' ? undefined : {}))
  const found: string[] = []
  for (const role of roles) {
    const bearer = await bearerOf(room, role)
    const told = await room.ask(route.method, place + query, bearer, sent)
    found.push(isLetIn(told) ? 'yes' : '-')
    // A request that is not well formed, or of something that is not there, would prove nothing.
    if (isLetIn(told)) expect({ role, told }).not.toMatchObject({ told: { status: 400 } })
    if (told.status === 403 && !/node/.test(role) && route.access !== 'node')
      expect(JSON.stringify(told.body)).toMatch(
        /anna|operators \(|managers \(|eg token create|as yourself/,
      )
  }
  expect(found).toEqual(table.get(name))
})
