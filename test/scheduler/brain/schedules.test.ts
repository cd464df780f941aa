import { describe, expect, test } from 'vitest'

import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const minute = 60_000

async function scheduled(more: Record<string, unknown> = {}) {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = { command: ['/bin/true'], cwd: '/tmp' }
  const body = { name: 's', expression: '*/10 * * * *', job, ...more }
  await grid.ok('addSchedule', anna, { body })
  const at = { params: { schedule: 's' }, query: {} }
  const ledger = async () => {
    const { ledger: entries } = await grid.ok('showSchedule', anna, at)
    return entries.toReversed().map(({ outcome, jobId, count }) => [outcome, jobId, count])
  }
  const finish = async (id: number) => {
    node.start(`${id}.1`)
    node.exit(`${id}.1`)
    await grid.turn(node)
  }
  return { grid, node, at, ledger, finish }
}

test('a due time becomes a job, in the commit that moves the cursor and writes the ledger', async () => {
  const { grid, node, at, ledger, finish } = await scheduled()
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([['ran', 1, 1]])
  const commit = grid.commits.find((rows) =>
    rows.some((row) => 'put' in row && row.put === 'firing'),
  )
  expect(commit).toContainEqual(expect.objectContaining({ put: 'job' }))
  expect(commit).toContainEqual(expect.objectContaining({ advance: 'schedule' }))
  const shown = await grid.ok('showSchedule', anna, at)
  expect(shown).toMatchObject({ liveJobs: [1], lastFiring: { outcome: 'ran', jobId: 1 } })
  await finish(1)
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([
    ['ran', 1, 1],
    ['ran', 2, 1],
  ])
  expect(await grid.show(2)).toMatchObject({ schedule: 's', name: 's' })
})

test('the order of its job says when it was due, also after a restart; no other order does', async () => {
  const { grid, node, at } = await scheduled()
  const plain = await grid.submit()
  await grid.pass(10 * minute, node)
  const { ledger, liveJobs } = await grid.ok('showSchedule', anna, at)
  const orderOf = (task: string) =>
    node.lines
      .flatMap((line) => ('orders' in line ? line.orders : []))
      .findLast((order) => order.task === task)
  const dueAt = Date.parse(ledger[0]?.dueAt ?? '')
  expect(orderOf(`${liveJobs[0]}.1`)).toMatchObject({ dueAt })
  expect(orderOf(`${plain}.1`)).not.toHaveProperty('dueAt')
  node.lines.length = 0
  await grid.reopen()
  await node.report()
  node.attach()
  await grid.quiet()
  expect(orderOf(`${liveJobs[0]}.1`)).toMatchObject({ dueAt })
})

test('what its jobs are is written when its owner says it, and not with each of them', async () => {
  const { grid, node, at, finish } = await scheduled({ overlap: 'allow' })
  const templates = () =>
    grid.commits.flat().filter((row) => 'put' in row && row.put === 'template').length
  const specs = () =>
    grid.commits.flat().filter((row) => 'put' in row && row.put === 'job' && row.row.specJson)
  expect(templates()).toBe(1)
  await grid.pass(10 * minute, node)
  await finish(1)
  await grid.ok('editSchedule', anna, {
    ...at,
    body: { job: { command: ['/bin/false'], cwd: '/tmp' } },
  })
  expect(templates()).toBe(2)
  await grid.pass(10 * minute, node)
  expect(specs()).toEqual([])
  expect((await grid.show(1)).spec.command).toEqual(['/bin/true'])
  expect((await grid.show(2)).spec.command).toEqual(['/bin/false'])
  // A start finds what is written as it was, unless its settings make other jobs of it.
  await grid.reopen()
  await grid.pass(10 * minute)
  expect(templates()).toBe(2)
  await grid.reopen({ version: 'next' })
  await grid.pass(10 * minute)
  expect(templates()).toBe(3)
  expect(specs()).toEqual([])
  // Of begin times each job has its own.
  await grid.ok('editSchedule', anna, { ...at, body: { jitterMs: 9 * minute } })
  await grid.pass(10 * minute)
  expect(specs()).toHaveLength(1)
  expect((await grid.show(5)).spec.beginAt).not.toBeNull()
})

describe('when the run before it still lives', () => {
  test('forbid skips, and neighbours share an entry', async () => {
    const { grid, node, ledger, finish } = await scheduled()
    await grid.pass(40 * minute, node)
    expect(await ledger()).toEqual([
      ['ran', 1, 1],
      ['skipped', null, 3],
    ])
    await finish(1)
    await grid.pass(10 * minute, node)
    expect((await ledger()).at(-1)).toEqual(['ran', 2, 1])
  })

  test('queue keeps one, which runs afterwards', async () => {
    const { grid, node, at, ledger, finish } = await scheduled({ overlap: 'queue' })
    await grid.pass(20 * minute, node)
    expect(await ledger()).toEqual([
      ['ran', 1, 1],
      ['queued', null, 1],
    ])
    await grid.reopen()
    node.attach()
    await grid.turn(node)
    await finish(1)
    expect(await ledger()).toEqual([
      ['ran', 1, 1],
      ['ran', 2, 1],
    ])
    expect((await grid.ok('showSchedule', anna, at)).lastFiring).toMatchObject({ jobId: 2 })
  })

  test('replace stops it, and the next one starts when it is gone', async () => {
    const { grid, node, ledger } = await scheduled({ overlap: 'replace' })
    await grid.pass(10 * minute, node)
    node.start('1.1')
    await grid.pass(10 * minute, node)
    expect(await grid.state(1)).toBe('stopping')
    expect((await ledger()).at(-1)).toEqual(['queued', null, 1])
    node.stopWanted()
    await grid.turn(node)
    expect((await ledger()).at(-1)).toEqual(['ran', 2, 1])
  })

  test('replace of one that ends at once leaves the right entry', async () => {
    const { grid, node, ledger } = await scheduled({ overlap: 'replace' })
    grid.brain.state.capacity.setNode({
      name: 'n1',
      slots: 4,
      memBytes: 2 ** 40,
      labels: {},
      closed: 'x',
    })
    await grid.pass(20 * minute, node)
    expect(await ledger()).toEqual([
      ['ran', 1, 1],
      ['ran', 2, 1],
    ])
    expect(await grid.state(1)).toBe('finished')
    expect(await grid.state(2)).toBe('pending')
  })

  test('a manual run passes the same gate', async () => {
    const { grid, node, at, ledger } = await scheduled()
    const first = await grid.ok('runSchedule', anna, at)
    expect(first).toMatchObject({ outcome: 'ran', jobId: 1, manual: true })
    await grid.clock.advance(1)
    expect(await grid.ok('runSchedule', anna, at)).toMatchObject({ outcome: 'skipped' })
    await grid.pass(10 * minute, node)
    expect((await ledger()).map(([outcome]) => outcome)).toEqual(['ran', 'skipped', 'skipped'])
  })
})

test('manual runs within one millisecond have an entry each', async () => {
  const { grid, at, ledger } = await scheduled({ overlap: 'allow' })
  const both = [await grid.ok('runSchedule', anna, at), await grid.ok('runSchedule', anna, at)]
  expect(both.map(({ jobId }) => jobId)).toEqual([1, 2])
  expect(await ledger()).toEqual([
    ['ran', 1, 1],
    ['ran', 2, 1],
  ])
  expect((await grid.ok('showSchedule', anna, at)).ledger.map(({ dueAt }) => dueAt)).toEqual(
    both.map(({ dueAt }) => dueAt).toReversed(),
  )
})

test('jitter puts the job off, not its due time', async () => {
  const { grid, node, ledger } = await scheduled({ jitterMs: 5 * minute })
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([['ran', 1, 1]])
  expect((await grid.show(1)).spec.beginAt).not.toBe(null)
  await grid.pass(6 * minute, node)
  expect(await grid.state(1)).toBe('placed')
})

test('paused, due times are skipped; resumed, they run', async () => {
  const { grid, node, at, ledger } = await scheduled()
  await grid.ok('pauseSchedule', anna, { ...at, body: { reason: 'holiday' } })
  expect(await grid.refused('pauseSchedule', anna, { ...at, body: {} })).toBe('wrong-state')
  await grid.pass(20 * minute, node)
  await grid.ok('resumeSchedule', anna, at)
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([
    ['skipped', null, 2],
    ['ran', 1, 1],
  ])
})

for (const [catchUp, expected] of [
  ['none', [['missed', null, 6]]],
  [
    'last',
    [
      ['missed', null, 5],
      ['ran', 1, 1],
    ],
  ],
] as const) {
  test(`while the scheduler was away times went by: catch-up ${catchUp}`, async () => {
    const { grid, node, ledger } = await scheduled({ catchUp })
    grid.clock.sleep(65 * minute)
    await grid.reopen()
    await grid.pass(4_000, node)
    expect(await ledger()).toEqual(expected)
    await grid.reopen()
    await grid.pass(4_000, node)
    expect(await ledger()).toEqual(expected)
  })
}

test('catch-up all runs them one after another, each once', async () => {
  const { grid, node, ledger, finish } = await scheduled({ catchUp: 'all' })
  grid.clock.sleep(35 * minute)
  await grid.reopen()
  node.attach()
  await grid.turn(node)
  expect((await ledger()).map(([outcome]) => outcome)).toEqual(['ran', 'queued', 'queued'])
  for (const job of [1, 2, 3]) await finish(job)
  expect(await ledger()).toEqual([
    ['ran', 1, 1],
    ['ran', 2, 1],
    ['ran', 3, 1],
  ])
})

test('a clock that steps holds firing, and one that was set back fires nothing twice', async () => {
  const { grid, node, ledger, finish } = await scheduled()
  await grid.pass(10 * minute, node)
  await finish(1)
  grid.clock.stepWall(-60 * minute)
  await grid.pass(5 * minute, node)
  expect((await ledger()).map(([outcome]) => outcome)).toEqual(['ran'])
  await grid.pass(10 * minute, node)
  const held = await ledger()
  expect(held.map(([outcome]) => outcome)).toContain('skipped')
  for (let turn = 0; turn < 8; turn += 1) {
    await grid.pass(10 * minute, node)
    for (const { order } of [...node.held.values()]) await finish(order.job)
  }
  const entries = (await grid.ok('showSchedule', anna, { params: { schedule: 's' }, query: {} }))
    .ledger
  const ran = entries.filter(({ outcome }) => outcome === 'ran').map(({ dueAt }) => dueAt)
  expect(new Set(ran).size).toBe(ran.length)
  expect(ran.length).toBeGreaterThan(5)
})

test('a look into the ledger that fails is made again: a clock that was set back stops no schedule', async () => {
  const { grid, node, ledger, finish } = await scheduled()
  await grid.pass(10 * minute, node)
  await finish(1)
  const { store } = grid
  const sound = { ...store }
  let failures = 0
  store.query = (name, args) => {
    if (name !== 'firedAfter') return sound.query(name, args)
    failures += 1
    return Promise.reject(new Error('the disk does not answer'))
  }
  grid.clock.stepWall(-60 * minute)
  await grid.pass(15 * minute, node)
  expect(failures).toBeGreaterThan(1)
  Object.assign(store, sound)
  await grid.pass(20 * minute, node)
  expect((await ledger()).map(([outcome]) => outcome)).toContain('skipped')
})

test('an edit judges the due times before it by what was said until then', async () => {
  const { grid, node, at, ledger } = await scheduled()
  const edit = {
    ...at,
    body: { expression: '0 * * * *', job: { command: ['/bin/false'], cwd: '/' } },
  }
  const summary = await grid.ok('editSchedule', anna, edit)
  expect(summary.next[0]).toMatch(/T01:00:00/)
  await grid.pass(50 * minute, node)
  expect(await ledger()).toEqual([])
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([['ran', 1, 1]])
})

test('a removed schedule fires no more, and its jobs go on', async () => {
  const { grid, node, at } = await scheduled()
  await grid.pass(10 * minute, node)
  await grid.ok('removeSchedule', anna, at)
  await grid.pass(30 * minute, node)
  expect([...grid.brain.state.jobs.keys()]).toEqual([1])
  expect(await grid.refused('showSchedule', anna, at)).toBe('not-found')
  expect(await grid.refused('removeSchedule', bert, { ...at, query: { owner: 'anna' } })).toBe(
    'not-found',
  )
})

test('a start that is refused has an entry that says so', async () => {
  const { grid, node, ledger } = await scheduled()
  grid.settings.refuseOwner = () => ({ detail: 'not today', hint: '' })
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([['skipped', null, 1]])
})

test('a job that would never run is no job for a schedule', async () => {
  const grid = await BrainGrid.open()
  const job = { command: ['/bin/true'], cwd: '/tmp' }
  for (const more of [{ owner: 'bert' }, { dryRun: true }]) {
    const body = { name: 's', expression: '@daily', job: { ...job, ...more } }
    expect(await grid.refused('addSchedule', anna, { body })).toBe('refused')
    expect(await grid.refused('addSchedule', operator, { body })).toBe('refused')
  }
  const body = { name: 's', expression: '@daily', job: { ...job, owner: 'anna' } }
  await grid.ok('addSchedule', anna, { body })
})

test('a job that no node could run now is warned of, and its due times are skipped until one can', async () => {
  const { grid, node, at, ledger } = await scheduled()
  const job = { command: ['/bin/true'], cwd: '/tmp', slots: 1000 }
  const wide = { name: 'wide', expression: '@yearly', job }
  const { warnings } = await grid.ok('addSchedule', anna, { body: wide })
  expect(warnings).toEqual([
    'no node can ever run it: 1 node (n1) too small for 1000 slots: the largest, n1, has 4 in all; ' +
      'while that is so its due times are skipped',
    expect.stringContaining('4'),
  ])
  const edited = await grid.ok('editSchedule', anna, { ...at, body: { job } })
  expect(edited.warnings).toEqual(warnings)
  await grid.pass(10 * minute, node)
  expect(await ledger()).toEqual([['skipped', null, 1]])
  node.facts = { ...node.facts, slots: 1000 }
  await node.report()
  const again = await grid.ok('editSchedule', anna, { ...at, body: { job } })
  expect(again.warnings).toEqual([])
  await grid.pass(10 * minute, node)
  expect((await ledger())[1]).toEqual(['ran', 1, 1])
})

test('a schedule says when; its jobs cannot say it too', async () => {
  const grid = await BrainGrid.open()
  const job = { command: ['/bin/true'], cwd: '/tmp', beginAt: '2026-12-01T00:00:00.000Z' }
  const body = { name: 's', expression: '@daily', job }
  expect(await grid.refused('addSchedule', anna, { body })).toBe('refused')
  const plain = { ...body, job: { ...job, beginAt: null } }
  await grid.ok('addSchedule', anna, { body: plain })
})
