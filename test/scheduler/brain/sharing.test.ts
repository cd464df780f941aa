/** Co-maintainers: what members of a named group may do with an owner's jobs, and what stays the owner's. */
import { expect, test } from 'vitest'

import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const kim = { owner: 'kim', rights: 'user', from: 'test', groups: ['keepers', 'kim'] } as const
const bot = { kind: 'continuous', name: 'bot' } as const
const jobs = (...ids: number[]) => ({ body: { jobs: ids.map(String) } })
const codes = async (grid: BrainGrid, name: 'stopJobs' | 'holdJobs', ids: number[], by = kim) =>
  (await grid.ok(name, by, jobs(...ids))).refused.map(({ code }) => code)

test('all jobs of an owner, those of later with them: seen, stopped and restarted, not more', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  await grid.ok('addSharing', anna, { body: { group: 'keepers' } })
  const job = await grid.submit(bot)
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  expect((await grid.ok('restartJobs', kim, jobs(job))).done).toMatchObject([{ job }])
  const log = { params: { job: String(job) } }
  node.answers = () => 'said'
  expect(await grid.refused('readLog', kim, log)).toBe('done')
  expect(await grid.refused('readLog', bert, log)).toBe('forbidden')
  for (const verb of ['hold', 'release', 'suspend', 'resume'] as const)
    expect((await grid.ok(`${verb}Jobs`, kim, jobs(job))).refused[0]?.code).toBe('forbidden')
  const edit = { params: { job: String(job) }, body: { priority: -1 } }
  expect(await grid.refused('editJob', kim, edit)).toBe('forbidden')
  const others = { body: { command: ['x'], cwd: '/', owner: 'anna' } }
  expect(await grid.refused('submitJob', kim, others)).toBe('forbidden')
  const more = { body: { group: 'kim', owner: 'anna' } }
  expect(await grid.refused('addSharing', kim, more)).toBe('forbidden')
  const end = { params: { group: 'keepers' }, query: { owner: 'anna' } }
  expect(await grid.refused('removeSharing', kim, end)).toBe('forbidden')
  const named = { body: { name: 'b*', owner: 'anna' } }
  expect((await grid.ok('stopJobs', kim, named)).done).toMatchObject([{ job }])
  const { entries } = await grid.ok('listAudit', anna, { query: { by: 'kim' } })
  expect(entries.map(({ what, by, owner }) => [what, by, owner])).toEqual([
    ['stop', 'kim', 'anna'],
    ['restart', 'kim', 'anna'],
  ])
  // Nobody else gained anything, not even another owner's jobs to kim.
  expect(await codes(grid, 'stopJobs', [await grid.submit({}, bert)])).toEqual(['forbidden'])
  expect((await grid.ok('stopJobs', bert, named)).refused).toMatchObject([{ code: 'forbidden' }])
})

test('what is hidden of a job from strangers, members of the group see', async () => {
  const grid = await BrainGrid.open()
  const secret = { env: { PASSWORD: 'hush' }, command: ['sh', '$JOB_SCRIPT'], script: 'hush' }
  const job = await grid.submit({ ...secret, name: 'bot' })
  await grid.ok('addSharing', anna, { body: { group: 'keepers' } })
  const specFor = async (by: typeof anna) =>
    (await grid.ok('showJob', by, { params: { job: String(job) } })).spec
  for (const by of [anna, operator, { ...kim, groups: [...kim.groups] }])
    expect(await specFor(by)).toMatchObject({ env: { PASSWORD: 'hush' }, script: 'hush' })
  const seen = await specFor(bert)
  expect(seen).toMatchObject({ name: 'bot', env: {}, command: ['sh', '$JOB_SCRIPT'] })
  expect(JSON.stringify(seen)).not.toContain('hush')
  // Finished, it is the same.
  await grid.stop([job])
  expect(JSON.stringify(await specFor(bert))).not.toContain('hush')
})

test('one job alone; refusals name the group; it ends, and is kept over a restart', async () => {
  const grid = await BrainGrid.open()
  const [one, other] = [await grid.submit({ name: 'one' }), await grid.submit()]
  await grid.ok('addSharing', anna, { body: { group: 'keepers', job: 'one' } })
  await grid.ok('addSharing', anna, { body: { group: 'keepers', job: 'one' } })
  await grid.reopen()
  expect((await grid.ok('listSharing', kim)).withMe).toMatchObject([{ owner: 'anna', job: one }])
  expect((await grid.ok('listSharing', anna)).sharing).toHaveLength(1)
  expect(await codes(grid, 'stopJobs', [other])).toEqual(['forbidden'])
  const all = { body: { all: true, owner: 'anna', dryRun: true } }
  expect((await grid.ok('stopJobs', kim, all)).done.map(({ job }) => job)).toEqual([one])
  const refused = await grid.ok('stopJobs', bert, jobs(one))
  expect(refused.refused[0]?.hint).toContain('only anna, members of the unix group keepers and op')
  const end = { params: { group: 'keepers' }, query: { job: String(one) } }
  expect(await grid.refused('removeSharing', anna, { ...end, query: {} })).toBe('not-found')
  await grid.ok('removeSharing', operator, { ...end, query: { ...end.query, owner: 'anna' } })
  await grid.reopen()
  expect(await codes(grid, 'stopJobs', [one])).toEqual(['forbidden'])
  expect(await grid.refused('addSharing', bert, { body: { group: 'x', job: String(one) } })).toBe(
    'forbidden',
  )
})

test('what was shared of a job that is no longer kept can still be undone', async () => {
  const grid = await BrainGrid.open()
  const job = await grid.submit()
  await grid.ok('addSharing', anna, { body: { group: 'keepers', job: String(job) } })
  await grid.stop([job])
  await grid.submit()
  const later = grid.clock.now() + 1
  const ages = { finishedAt: later, eventAt: 0, auditAt: 0, replyAt: 0, now: 0 }
  while (grid.engine.prune(ages, 1_000) > 0);
  expect(await grid.refused('showJob', anna, { params: { job: String(job) } })).toBe('not-found')
  const end = { params: { group: 'keepers' }, query: { job: String(job) } }
  expect(await grid.refused('removeSharing', bert, end)).toBe('not-found')
  const ofAnna = { ...end, query: { ...end.query, owner: 'anna' } }
  expect(await grid.refused('removeSharing', bert, ofAnna)).toBe('forbidden')
  await grid.ok('removeSharing', anna, end)
  expect((await grid.ok('listSharing', anna)).sharing).toEqual([])
})
