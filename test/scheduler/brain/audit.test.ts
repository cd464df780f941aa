/** The audit log: every change has an entry in its own commit, and nobody changes an entry. */
import { expect, test } from 'vitest'

import { routes } from '../../../proto/api.ts'
import type { Route } from '../../../proto/route.ts'
import type { Handlers } from '../../../scheduler/brain/call.ts'
import type { AuditRow, Change } from '../../../scheduler/store/change.ts'
import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const manager = { owner: 'root', rights: 'manager', from: '10.0.0.9' } as const
const command = { command: ['sleep', '9'], cwd: '/' }
type Parts = { params?: object; query?: object; body?: object }
type Story = {
  by?: typeof manager | typeof operator
  parts: Parts
  /** What has to be so before. */
  first?: (grid: BrainGrid) => Promise<unknown>
  entry: Partial<Record<keyof AuditRow, unknown>>
  /** What else is in the commit of the entry. */
  with: (change: Change) => boolean
}
const puts = (name: string) => (change: Change) => 'put' in change && change.put === name
const drops = (name: string) => (change: Change) => 'drop' in change && change.drop === name
const call = (name: string, by: object, parts: Parts) => (grid: BrainGrid) =>
  grid.ok(name as 'stopJobs', by as typeof anna, parts)
const aToken = { name: 'ci', scopes: ['submit'], expiresInMs: 9000, hash: 'f'.repeat(64) }
const annas = { kind: 'owner', name: 'anna' }
const one = { body: { jobs: ['1'] } }
const nightly = { params: { schedule: 'nightly' } }
const fast = { params: { queue: 'fast' } }
const addFast = call('addQueue', operator, { body: { name: 'fast' } })
const setLock = call('setResource', operator, { body: { name: 'lock', total: 1 } })
const n1 = { params: { node: 'n1' } }
const wanted = (before: string, after: string) => ({
  about: 'job 1',
  job: 1,
  owner: 'anna',
  own: true,
  beforeJson: JSON.stringify({ wanted: before }),
  afterJson: JSON.stringify({ wanted: after }),
})

/** Each grid has job 1 of anna's, running on n1, and her schedule "nightly". */
const stories: Record<string, Story> = {
  submitJob: {
    parts: { body: { ...command, name: 'x' } },
    entry: { what: 'submit', about: 'job 2', beforeJson: 'null' },
    with: puts('job'),
  },
  editJob: {
    parts: { params: { job: '1' }, body: { priority: -7, env: { KEY: 'hush' } } },
    entry: {
      what: 'edit',
      beforeJson: '{"priority":0,"env":["A"]}',
      afterJson: '{"priority":-7,"env":["KEY"]}',
    },
    with: puts('job'),
  },
  stopJobs: { parts: one, entry: { what: 'stop', ...wanted('run', 'stop') }, with: puts('job') },
  holdJobs: { parts: one, entry: { what: 'hold', ...wanted('run', 'hold') }, with: puts('job') },
  releaseJobs: {
    first: call('holdJobs', anna, one),
    parts: one,
    entry: { what: 'release', ...wanted('hold', 'run') },
    with: puts('job'),
  },
  suspendJobs: {
    parts: one,
    entry: { what: 'suspend', ...wanted('run', 'suspend') },
    with: puts('job'),
  },
  resumeJobs: {
    first: call('suspendJobs', anna, one),
    parts: one,
    entry: { what: 'resume', ...wanted('suspend', 'run') },
    with: puts('job'),
  },
  restartJobs: {
    parts: one,
    entry: { what: 'restart', about: 'job 1', afterJson: '{"asked":"restart"}' },
    with: puts('job'),
  },
  addSchedule: {
    parts: { body: { name: 'w', expression: '@weekly', job: { ...command, env: { K: 'hush' } } } },
    entry: { what: 'schedule add', about: 'schedule w of anna', beforeJson: 'null' },
    with: puts('schedule'),
  },
  editSchedule: {
    parts: { ...nightly, body: { jitterMs: 1000 } },
    entry: {
      what: 'schedule edit',
      beforeJson: '{"jitterMs":0}',
      afterJson: '{"jitterMs":1000}',
    },
    with: puts('schedule'),
  },
  pauseSchedule: {
    parts: { ...nightly, body: { reason: 'ill' } },
    entry: { what: 'schedule pause', afterJson: '{"paused":true,"why":"ill"}' },
    with: puts('schedule'),
  },
  resumeSchedule: {
    first: call('pauseSchedule', anna, nightly),
    parts: nightly,
    entry: { what: 'schedule resume', beforeJson: '{"paused":true}' },
    with: puts('schedule'),
  },
  runSchedule: {
    parts: nightly,
    entry: { what: 'schedule run', afterJson: '{"outcome":"ran","job":2}' },
    with: puts('firing'),
  },
  removeSchedule: {
    parts: nightly,
    entry: { what: 'schedule remove', afterJson: 'null' },
    with: drops('schedule'),
  },
  replaceCrontab: {
    parts: { body: { text: '# none', schedules: [] } },
    entry: { what: 'crontab', about: 'crontab of anna', afterJson: '{"entries":[]}' },
    with: puts('crontab'),
  },
  confirmClock: {
    by: operator,
    first: async (grid) => {
      grid.clock.stepWall(3_600_000)
      grid.brain.tick()
    },
    parts: {},
    entry: { what: 'clock --confirm', own: false },
    with: puts('event'),
  },
  cordonNode: {
    by: operator,
    parts: { ...n1, body: { reason: 'dust' } },
    entry: {
      what: 'node cordon',
      about: 'node n1',
      owner: null,
      beforeJson: '{"cordoned":null}',
      afterJson: '{"cordoned":"by an operator","reason":"dust"}',
    },
    with: puts('node'),
  },
  uncordonNode: {
    by: operator,
    first: call('cordonNode', operator, n1),
    parts: n1,
    entry: { what: 'node uncordon', afterJson: '{"cordoned":null}' },
    with: puts('node'),
  },
  drainNode: {
    by: operator,
    parts: { ...n1, body: { reason: 'move' } },
    entry: { what: 'node drain', beforeJson: '{"drain":null}' },
    with: puts('node'),
  },
  undrainNode: {
    by: operator,
    first: call('drainNode', operator, n1),
    parts: n1,
    entry: { what: 'node undrain', afterJson: '{"drain":null}' },
    with: puts('node'),
  },
  loseNode: {
    by: operator,
    first: (grid) => grid.pass(25_000),
    parts: { ...n1, body: { confirmed: true, reason: 'burnt' } },
    entry: { what: 'node lost', afterJson: '{"state":"lost","reason":"burnt"}' },
    with: puts('node'),
  },
  removeNode: {
    by: operator,
    first: async (grid) => {
      await grid.pass(25_000)
      await call('loseNode', operator, { ...n1, body: { confirmed: true } })(grid)
    },
    parts: n1,
    entry: { what: 'node remove', beforeJson: '{"state":"lost"}', afterJson: 'null' },
    with: drops('node'),
  },
  setQuota: {
    by: manager,
    first: call('setQuota', manager, { body: { subject: annas, set: { jobs: 7 } } }),
    parts: { body: { subject: annas, set: { jobs: 5 } } },
    entry: {
      what: 'quota set',
      about: 'quota of owner anna',
      owner: 'anna',
      beforeJson: '{"jobs":7}',
      afterJson: '{"jobs":5}',
    },
    with: puts('quota'),
  },
  setShares: {
    by: manager,
    first: call('setShares', manager, { body: { owners: { bert: 2 } } }),
    parts: { body: { owners: { anna: 3, bert: null }, groups: { lab: 5 }, halfLifeMs: 60_000 } },
    entry: {
      what: 'shares set',
      about: 'fair shares',
      beforeJson: '{"owners":{"bert":2},"groups":{},"halfLifeMs":null}',
      afterJson: '{"owners":{"anna":3},"groups":{"lab":5},"halfLifeMs":60000}',
    },
    with: puts('meta'),
  },
  createToken: {
    parts: { body: aToken },
    entry: { what: 'token create', about: 'token 1 of anna', beforeJson: 'null' },
    with: puts('apiToken'),
  },
  revokeToken: {
    first: call('createToken', anna, { body: aToken }),
    parts: { params: { token: '1' } },
    entry: { what: 'token revoke', about: 'token 1 of anna', afterJson: '{"revoked":true}' },
    with: puts('apiToken'),
  },
  addQueue: {
    by: operator,
    parts: { body: { name: 'fast', priority: 3 } },
    entry: {
      what: 'queue add',
      about: 'queue fast',
      beforeJson: 'null',
      afterJson: expect.stringContaining('"priority":3'),
    },
    with: puts('queue'),
  },
  editQueue: {
    by: operator,
    first: addFast,
    parts: { ...fast, body: { users: ['anna'] } },
    entry: {
      what: 'queue edit',
      beforeJson: expect.stringContaining('"users":[]'),
      afterJson: expect.stringContaining('"users":["anna"]'),
    },
    with: puts('queue'),
  },
  closeQueue: {
    by: operator,
    first: addFast,
    parts: { ...fast, body: { reason: 'dust' } },
    entry: { what: 'queue close', afterJson: expect.stringContaining('"why":"dust"') },
    with: puts('queue'),
  },
  openQueue: {
    by: operator,
    first: async (grid) => {
      await addFast(grid)
      await call('closeQueue', operator, fast)(grid)
    },
    parts: fast,
    entry: { what: 'queue open', afterJson: expect.stringContaining('"closed":null') },
    with: puts('queue'),
  },
  removeQueue: {
    by: operator,
    first: addFast,
    parts: fast,
    entry: { what: 'queue remove', afterJson: 'null' },
    with: drops('queue'),
  },
  setResource: {
    by: operator,
    first: setLock,
    parts: { body: { name: 'lock', total: 2, node: 'n1' } },
    entry: {
      what: 'resource set',
      about: 'resource lock',
      beforeJson: '{"total":1,"nodes":{}}',
      afterJson: '{"total":1,"nodes":{"n1":2}}',
    },
    with: puts('resource'),
  },
  removeResource: {
    by: operator,
    first: setLock,
    parts: { params: { resource: 'lock' } },
    entry: { what: 'resource remove', beforeJson: '{"total":1,"nodes":{}}', afterJson: 'null' },
    with: drops('resource'),
  },
  createJoinToken: {
    by: operator,
    parts: { body: { node: null, expiresInMs: 9000, hash: 'f'.repeat(64) } },
    entry: { what: 'node token', about: 'join token 1', own: false },
    with: puts('joinToken'),
  },
  revokeNode: {
    by: operator,
    first: async (grid) => {
      const body = { node: 'n1', expiresInMs: 9000, hash: 'f'.repeat(64) }
      await grid.ok('createJoinToken', operator, { body })
      const token = grid.brain.joinToken(1)!
      grid.brain.joinNode({ node: 'n1', token, hash: 'e'.repeat(64), from: 'test' })
    },
    parts: n1,
    entry: { what: 'node remove --revoke', about: 'node n1', afterJson: '{"identity":null}' },
    with: drops('nodeKey'),
  },
  addSharing: {
    parts: { body: { group: 'keepers', job: '1' } },
    entry: { what: 'share add', job: 1, afterJson: '{"group":"keepers","jobs":"job 1"}' },
    with: puts('sharing'),
  },
  removeSharing: {
    first: call('addSharing', anna, { body: { group: 'keepers' } }),
    parts: { params: { group: 'keepers' } },
    entry: { what: 'share remove', beforeJson: '{"group":"keepers","jobs":"all jobs"}' },
    with: drops('sharing'),
  },
  grantRole: {
    by: manager,
    parts: { body: { owner: 'bert', role: 'operator' } },
    entry: {
      what: 'role grant',
      about: 'role of bert',
      by: 'root',
      rights: 'manager',
      from: '10.0.0.9',
      beforeJson: '{"role":null}',
      afterJson: '{"role":"operator"}',
    },
    with: puts('role'),
  },
  revokeRole: {
    by: manager,
    first: call('grantRole', manager, { body: { owner: 'bert', role: 'manager' } }),
    parts: { params: { owner: 'bert' } },
    entry: {
      what: 'role revoke',
      beforeJson: '{"role":"manager"}',
      afterJson: '{"role":null}',
    },
    with: drops('role'),
  },
}

/** Changes that people make; a login proves who somebody is, and changes nothing. */
const changes = Object.entries<Route>(routes)
  .filter(([, { method, access }]) => method !== 'GET' && access !== 'open' && access !== 'node')
  .map(([name]) => name)

async function busyGrid(): Promise<BrainGrid> {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  await grid.submit({ kind: 'continuous', name: 'bot', env: { A: 'hush' } })
  const job = { ...command, env: { SECRET: 'hush' } }
  await grid.ok('addSchedule', anna, { body: { name: 'nightly', expression: '0 3 * * *', job } })
  await grid.tick()
  node.start('1.1')
  await node.report()
  return grid
}

test('there is a story for every change', () => {
  expect(Object.keys(stories).toSorted()).toEqual(changes.toSorted())
})

test.each(changes)('%s has an entry, in the commit of the change itself', async (name) => {
  const { by = anna, parts, first, entry, with: goesWith } = stories[name]!
  const grid = await busyGrid()
  await first?.(grid)
  await grid.quiet()
  grid.commits.length = 0
  await grid.ok(name as keyof Handlers, by, parts)
  const isEntry = puts('audit')
  const [commit, ...others] = grid.commits.filter((batch) => batch.some(isEntry))
  expect(others).toEqual([])
  const rows = commit?.filter(isEntry).map((change) => (change as { row: AuditRow }).row)
  expect(rows).toMatchObject([{ by: by.owner, from: by.from, ...entry }])
  expect(commit?.some(goesWith)).toBe(true)
  expect(JSON.stringify(rows)).not.toContain('hush')
})

test('what is refused, and what is only tried, leaves none', async () => {
  const grid = await busyGrid()
  const before = (await grid.ok('listAudit', operator)).entries.length
  await grid.ok('stopJobs', bert, one)
  await grid.ok('stopJobs', anna, { body: { jobs: ['1', '99'], dryRun: true } })
  await grid.ok('drainNode', operator, { ...n1, body: { dryRun: true } })
  await grid.refused('editJob', bert, { params: { job: '1' }, body: { priority: -1 } })
  expect((await grid.ok('listAudit', operator)).entries).toHaveLength(before)
})

test('the same done to many jobs is one entry for neighbours, and is found by each of them', async () => {
  const grid = await BrainGrid.open()
  for (let nth = 1; nth <= 6; nth += 1) await grid.submit()
  await grid.submit({}, bert)
  await grid.ok('holdJobs', anna, { body: { jobs: ['4'] } })
  await grid.ok('stopJobs', operator, { body: { all: true, owner: '*', why: 'too much' } })
  const { entries } = await grid.ok('listAudit', operator, { query: { what: 'stop' } })
  const told = entries.map(({ about, owner, before }) => ({ about, owner, before }))
  expect(told).toEqual([
    { about: 'job 7', owner: 'bert', before: { wanted: 'run' } },
    { about: 'jobs 5-6', owner: 'anna', before: { wanted: 'run' } },
    { about: 'job 4', owner: 'anna', before: { wanted: 'hold' } },
    { about: 'jobs 1-3', owner: 'anna', before: { wanted: 'run' } },
  ])
  const of = async (job: number) =>
    (await grid.ok('listAudit', anna, { query: { job } })).entries.map(({ what }) => what)
  expect(await of(2)).toEqual(['stop', 'submit'])
  expect(await of(4)).toEqual(['stop', 'hold', 'submit'])
  expect(await of(7)).toEqual([])
})

test('users see what they did and what was done to their own; filters and pages narrow it', async () => {
  const grid = await busyGrid()
  await grid.submit({}, bert)
  await grid.ok('editJob', operator, { params: { job: '1' }, body: { priority: 5 } })
  await grid.ok('cordonNode', operator, { ...n1, body: { reason: 'dust' } })
  const read = async (query: object, by = anna) =>
    (await grid.ok('listAudit', by, { query })).entries.map(({ what }) => what)
  expect(await read({})).toEqual(['edit', 'schedule add', 'submit'])
  expect(await read({}, bert)).toEqual(['submit'])
  expect(await read({ owner: 'anna' }, bert)).toEqual([])
  expect(await read({ by: 'olga' })).toEqual(['edit'])
  const all = ['node cordon', 'edit', 'submit', 'schedule add', 'submit']
  expect(await read({}, operator)).toEqual(all)
  expect(await read({ by: 'olga' }, operator)).toEqual(['node cordon', 'edit'])
  expect(await read({ owner: 'bert' }, operator)).toEqual(['submit'])
  expect(await read({ node: 'n1' }, operator)).toEqual(['node cordon'])
  expect(await read({ what: 'edit' }, operator)).toEqual(['edit'])
  const later = new Date(grid.clock.now() + 1).toISOString()
  expect(await read({ since: later }, operator)).toEqual([])
  expect(await read({ until: later }, operator)).toEqual(all)
  const paged: string[] = []
  let page: string | null = null
  do {
    const query: object = page === null ? { limit: 2 } : { limit: 2, page }
    const reply: { entries: { what: string }[]; next: string | null } = await grid.ok(
      'listAudit',
      operator,
      { query },
    )
    paged.push(...reply.entries.map(({ what }) => what))
    page = reply.next
  } while (page !== null)
  expect(paged).toEqual(all)
  expect(await grid.refused('listAudit', anna, { query: { page: 'x' } })).toBe('invalid')
})

test('numbers go on after a restart; an entry cannot be written again', async () => {
  const grid = await busyGrid()
  const [newest] = (await grid.ok('listAudit', operator)).entries
  await grid.reopen()
  await grid.submit()
  const [next] = (await grid.ok('listAudit', operator)).entries
  expect(next?.id).toBe((newest?.id ?? 0) + 1)
  const row = grid.commits.flat().find(puts('audit')) as { put: 'audit'; row: AuditRow }
  await expect(
    grid.store.commit([{ put: 'audit', row: { ...row.row, about: 'job 99' } }]),
  ).rejects.toThrow('does not change')
})

test('a time or a page that there is not is refused', async () => {
  const grid = await BrainGrid.open()
  for (const query of [{ since: '2016-12-31T23:59:60Z' }, { page: 'x' }])
    expect(await grid.refused('listAudit', anna, { query })).toBe('invalid')
  for (const page of ['x', '1', '1.x', '1.2.3'])
    expect(await grid.refused('listJobs', anna, { query: { finished: true, page } })).toBe(
      'invalid',
    )
})
