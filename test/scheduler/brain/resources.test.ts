/** Named resources on a whole brain: who gets them, who keeps them and for how long, and what a restart remembers. */
import { expect, test } from 'vitest'

import { restore } from '../../../scheduler/store/restore.ts'
import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'
import { gridWithBackup, meet, openAt, schema } from '../../support/restored.ts'

const command = { command: ['/bin/true'], cwd: '/tmp' }
const bot = { kind: 'continuous', name: 'bot' } as const
const define = (grid: BrainGrid, name: string, total: number, node?: FakeNode) =>
  grid.ok('setResource', operator, {
    body: { name, total, ...(node ? { node: node.name } : {}) },
  })
const shown = (grid: BrainGrid, resource: string) =>
  grid.ok('showResource', anna, { params: { resource } })
const explained = async (grid: BrainGrid, job: number) => {
  const { summary, reasons, wayOut } = await grid.ok('explainJob', anna, {
    params: { job: String(job) },
  })
  return {
    summary,
    wayOut,
    all: reasons.map(({ code, detail }) => `${code}: ${detail}`).join('; '),
  }
}
const lock = { resources: { lock: 1 } }
const states = (grid: BrainGrid, ...jobs: number[]) =>
  Promise.all(jobs.map((job) => grid.state(job)))

async function withLock(slots = 4) {
  const grid = await BrainGrid.open()
  const n1 = await grid.node('n1', { slots })
  await define(grid, 'lock', 1)
  return { grid, n1 }
}

test('one holds it until nothing of it is left; who needs it waits, who does not goes by', async () => {
  const { grid, n1 } = await withLock()
  const first = await grid.submit(lock)
  const second = await grid.submit(lock, bert)
  const other = await grid.submit({}, bert)
  await grid.turn(n1)
  expect(await states(grid, first, second, other)).toEqual(['placed', 'pending', 'placed'])
  n1.start(`${first}.1`)
  await grid.turn(n1)
  // Told to stop, it holds it still: only what the node attests gives it back.
  await grid.stop([first])
  await grid.turn(n1)
  expect(await states(grid, first, second)).toEqual(['stopping', 'pending'])
  n1.stopWanted()
  await grid.turn(n1)
  expect(await states(grid, first, second)).toEqual(['finished', 'placed'])
  expect((await shown(grid, 'lock')).holders).toMatchObject([{ job: second, owner: 'bert' }])
})

test('what is refused: what nobody defined, and more than there is; also of edits', async () => {
  const { grid } = await withLock()
  const refusal = (resources: Record<string, number>) =>
    grid.call('submitJob', anna, { body: { ...command, resources } })
  expect(await refusal({ locks: 1 })).toMatchObject({
    refusal: {
      code: 'refused',
      detail: 'there is no resource "locks"',
      hint: 'resources here: lock',
    },
  })
  expect(await refusal({ lock: 2 })).toMatchObject({
    refusal: {
      code: 'can-never-run',
      detail: 'it asks for 2 of resource "lock", and there are 1 in all',
      hint: 'ask for 1 or less: --resource lock=1',
    },
  })
  const job = await grid.submit({ ...lock, hold: true })
  const edit = (resources: Record<string, number>) =>
    grid.refused('editJob', anna, { params: { job: String(job) }, body: { resources } })
  expect(await edit({ locks: 1 })).toBe('refused')
  expect(await edit({ lock: 2 })).toBe('can-never-run')
  expect(await edit({})).toBe('done')
  await grid.ok('releaseJobs', anna, { body: { jobs: [String(job)] } })
  await grid.tick()
  expect(await edit(lock.resources)).toBe('wrong-state')
})

test('of nodes: a task goes where there is enough, and is told which node lacks it and who has it', async () => {
  const grid = await BrainGrid.open()
  const [n1, n2] = [await grid.node('n1', { slots: 9 }), await grid.node('n2', { slots: 9 })]
  await define(grid, 'gpu', 2, n2)
  const [first, second] = [
    await grid.submit({ resources: { gpu: 1 } }),
    await grid.submit({ resources: { gpu: 2 } }, bert),
  ]
  await grid.turn(n1, n2)
  expect((await grid.show(first)).node).toBe('n2')
  expect(await grid.state(second)).toBe('pending')
  const why = await explained(grid, second)
  expect(why.summary).toBe('waits: none of 2 nodes has room for it now')
  expect(why.all).toBe(
    [
      'resource: 1 node (n1) without 2 of resource gpu: n1 has most, 0 in all',
      'resource-now: 1 node (n2) without 2 of resource gpu free now: n2 has most, 1',
      `resource-held: resource gpu is held by job ${first} of anna (1)`,
    ].join('; '),
  )
  expect(why.wayOut).toBe('wait for 1 more of gpu on n2')
  expect(
    await grid.refused('submitJob', anna, { body: { ...command, resources: { gpu: 3 } } }),
  ).toBe('can-never-run')
  expect(await shown(grid, 'gpu')).toMatchObject({
    ...{ total: null, free: null, taken: 1, waiting: 1 },
    nodes: [{ node: 'n2', total: 2, taken: 1, free: 1 }],
  })
  n2.start(`${first}.1`)
  n2.exit(`${first}.1`)
  await grid.turn(n1, n2)
  expect((await grid.show(second)).node).toBe('n2')
})

test('in the grid and on nodes: both must have enough, and a node of which nothing is said has what the grid has', async () => {
  const grid = await BrainGrid.open()
  const [n1, n2] = [await grid.node('n1', { slots: 9 }), await grid.node('n2', { slots: 9 })]
  await define(grid, 'db', 4)
  await define(grid, 'db', 1, n1)
  const job = await grid.submit({ resources: { db: 1 }, array: { from: 1, to: 9, step: 1 } })
  await grid.turn(n1, n2)
  const { nodes, free, taken } = await shown(grid, 'db')
  expect({ nodes, free, taken }).toEqual({
    ...{ free: 0, taken: 4 },
    nodes: [{ node: 'n1', total: 1, taken: 1, free: 0 }],
  })
  expect(n2.held.size).toBe(3)
  expect((await explained(grid, job)).summary).toBe(
    `waits: it asks for 1 of resource "db": 0 of 4 are free; held by job ${job} of anna (4)`,
  )
})

test('a node that is cut off keeps it, until its work is known to be gone', async () => {
  const grid = await BrainGrid.open()
  const [n1, n2] = [await grid.node('n1'), await grid.node('n2')]
  await define(grid, 'lock', 1)
  const first = await grid.submit({ ...lock, where: { node: 'n1' } })
  await grid.turn(n1, n2)
  n1.start(`${first}.1`)
  await grid.turn(n1, n2)
  const second = await grid.submit(lock)
  await grid.pass(400_000, n2)
  expect(await states(grid, first, second)).toEqual(['unreachable', 'pending'])
  await grid.ok('loseNode', operator, { params: { node: 'n1' }, body: { confirmed: true } })
  await grid.turn(n2)
  expect(await states(grid, second)).toEqual(['placed'])
})

test('a drain moves a bot with the only lock that there is, and reserves what its next node has', async () => {
  const grid = await BrainGrid.open()
  const [n1, n2] = [await grid.node('n1'), await grid.node('n2')]
  await define(grid, 'lock', 1)
  await define(grid, 'gpu', 1, n1)
  await define(grid, 'gpu', 1, n2)
  const asks = { resources: { lock: 1, gpu: 1 } }
  const job = await grid.submit({ ...bot, ...asks })
  await grid.turn(n1, n2)
  const [here, there] = (await grid.show(job)).node === 'n1' ? [n1, n2] : [n2, n1]
  here.start(`${job}.1`)
  await grid.turn(n1, n2)
  const rival = await grid.submit({ resources: { gpu: 1 }, where: { node: there.name } }, bert)
  const waiting = await grid.submit(lock, bert)
  await grid.ok('holdJobs', bert, { body: { jobs: [String(rival)] } })
  await grid.ok('drainNode', operator, { params: { node: here.name }, body: {} })
  await grid.tick()
  await grid.ok('releaseJobs', bert, { body: { jobs: [String(rival)] } })
  await grid.turn(n1, n2)
  expect(await states(grid, job, rival, waiting)).toEqual(['stopping', 'pending', 'pending'])
  expect((await shown(grid, 'gpu')).nodes).toMatchObject([{ taken: 1 }, { taken: 1 }])
  here.stopWanted()
  await grid.turn(n1, n2)
  expect(await grid.show(job)).toMatchObject({ state: 'placed', node: there.name })
  expect((await shown(grid, 'lock')).holders).toMatchObject([{ job, node: there.name }])
  expect(await shown(grid, 'gpu')).toMatchObject({ taken: 1 })
  expect(await states(grid, rival, waiting)).toEqual(['pending', 'pending'])
})

test('lowered below what is held nothing is stopped, and nothing starts until it fits', async () => {
  const grid = await BrainGrid.open()
  const n1 = await grid.node('n1', { slots: 9 })
  await define(grid, 'db', 3)
  const held = await grid.submit({ resources: { db: 1 }, array: { from: 1, to: 3, step: 1 } })
  await grid.turn(n1)
  await define(grid, 'db', 1)
  const next = await grid.submit({ resources: { db: 1 } })
  await grid.turn(n1)
  expect(await shown(grid, 'db')).toMatchObject({ total: 1, taken: 3, free: 0 })
  const end = async (index: number) => {
    n1.start(`${held}.${index}`)
    n1.exit(`${held}.${index}`)
    await grid.turn(n1)
    return grid.state(next)
  }
  expect([await end(1), await end(2), await end(3)]).toEqual(['pending', 'pending', 'placed'])
  await define(grid, 'db', 0)
  const big = await grid.submit({ hold: true })
  expect(await shown(grid, 'db')).toMatchObject({ total: 0, taken: 1 })
  expect(await grid.state(big)).toBe('held')
})

test('a big request is gone past by smaller ones, and says so: what waits, for how much, and who holds it', async () => {
  const grid = await BrainGrid.open()
  const n1 = await grid.node('n1', { slots: 9 })
  await define(grid, 'db', 3)
  const small = await grid.submit({ resources: { db: 1 } })
  await grid.turn(n1)
  const big = await grid.submit({ resources: { db: 3 } }, bert)
  const later = await grid.submit({ resources: { db: 1 } })
  await grid.turn(n1)
  expect(await states(grid, big, later)).toEqual(['pending', 'placed'])
  const why = await explained(grid, big)
  expect(why.summary).toBe(
    `waits: it asks for 3 of resource "db": 1 of 3 are free; held by job ${small} of anna (1), job ${later} of anna (1)`,
  )
  expect(why.wayOut).toContain('wait until 2 more are given back')
  expect((await shown(grid, 'db')).waiters).toMatchObject([{ job: big, amount: 3, tasks: 1 }])
})

test('a restart counts what is held anew, and knows what there is', async () => {
  const { grid, n1 } = await withLock()
  await define(grid, 'gpu', 2, n1)
  const first = await grid.submit({ resources: { lock: 1, gpu: 2 } })
  await grid.turn(n1)
  const before = await shown(grid, 'gpu')
  await grid.clock.advance(5_000)
  await grid.reopen()
  expect(await shown(grid, 'gpu')).toEqual(before)
  const second = await grid.submit(lock)
  await grid.turn(n1)
  n1.attach()
  await grid.turn(n1)
  expect(await states(grid, first, second)).toEqual(['placed', 'pending'])
  n1.start(`${first}.1`)
  n1.exit(`${first}.1`)
  await grid.turn(n1)
  expect(await grid.state(second)).toBe('placed')
})

/** A backup comes back while a job that was submitted after it runs, and holds the lock. */
async function restoredUnderHolder() {
  const { folder, grid, node, file } = await gridWithBackup()
  const elsewhere = `${folder}-2`
  await define(grid, 'lock', 1)
  const lost = await grid.submit({ ...lock, name: 'later' })
  await grid.turn(node)
  node.start(`${lost}.1`)
  await grid.turn(node)
  restore({ folder: elsewhere, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(elsewhere, grid.clock)
  await define(restored, 'lock', 1)
  return { restored, node, lost }
}

test('after a restore what nodes run holds it, also jobs that this database does not know: none is given out until all have said', async () => {
  const { restored, node, lost } = await restoredUnderHolder()
  // Another node is there first.
  const n2 = await restored.node('n2')
  await define(restored, 'gpu', 1, n2)
  const fresh = await restored.submit(lock)
  const [free, own] = [await restored.submit({}), await restored.submit({ resources: { gpu: 1 } })]
  await restored.turn(n2)
  expect(await states(restored, fresh, free, own)).toEqual(['pending', 'placed', 'placed'])
  const { all, wayOut } = await explained(restored, fresh)
  expect(all).toContain(
    'restored: what it asks for may be held by what the lost database placed: it waits until n0, n1 reports',
  )
  expect(wayOut).toBe('eg node lost --confirmed n0')
  meet(restored, node)
  await node.report(true)
  await restored.turn(node, n2)
  expect(await restored.state(fresh)).toBe('pending')
  await restored.ok('loseNode', operator, { params: { node: 'n0' }, body: { confirmed: true } })
  await restored.pass(400_000, node, n2)
  expect(await restored.state(fresh)).toBe('pending')
  expect((await explained(restored, fresh)).all).toContain('0 of 1 are free')
  expect((await shown(restored, 'lock')).holders).toMatchObject([
    { job: lost, owner: '', node: node.name, amount: 1, since: null },
  ])
  node.exit(`${lost}.1`)
  await restored.turn(node, n2)
  expect(await restored.state(fresh)).toBe('placed')
})

test('what an unknown job holds, it holds over a restart too, before its node has spoken again', async () => {
  const { restored, node, lost } = await restoredUnderHolder()
  meet(restored, node)
  await node.report(true)
  await restored.ok('loseNode', operator, { params: { node: 'n0' }, body: { confirmed: true } })
  await restored.pass(400_000, node)
  const before = await shown(restored, 'lock')
  await restored.reopen()
  const n2 = await restored.node('n2')
  const fresh = await restored.submit(lock)
  await restored.turn(n2)
  expect(await restored.state(fresh)).toBe('pending')
  expect((await shown(restored, 'lock')).holders).toEqual(before.holders)
  meet(restored, node)
  await node.report(true)
  await restored.turn(node, n2)
  expect(await shown(restored, 'lock')).toMatchObject({ taken: 1, holders: before.holders })
  node.exit(`${lost}.1`)
  await restored.turn(node, n2)
  expect(await restored.state(fresh)).toBe('placed')
  await restored.reopen()
  expect(await shown(restored, 'lock')).toMatchObject({ taken: 1, holders: [{ job: fresh }] })
})

test('what runs can be edited in all else, whatever became of the total meanwhile', async () => {
  const { grid, n1 } = await withLock()
  const runs = await grid.submit(lock)
  await grid.turn(n1)
  const waits = await grid.submit(lock)
  await define(grid, 'lock', 0)
  for (const job of [runs, waits])
    await grid.ok('editJob', anna, { params: { job: String(job) }, body: { priority: -1 } })
  expect(
    await grid.refused('editJob', anna, {
      params: { job: String(waits) },
      body: { resources: { lock: 2 } },
    }),
  ).toBe('can-never-run')
})

test('who holds what is told of what is short, and not of what is there', async () => {
  const grid = await BrainGrid.open()
  const n1 = await grid.node('n1', { slots: 9 })
  await define(grid, 'gpu', 1, n1)
  await define(grid, 'disk', 1, n1)
  const first = await grid.submit({ resources: { gpu: 1 } })
  await grid.turn(n1)
  const second = await grid.submit({ resources: { gpu: 1, disk: 1 } })
  await grid.turn(n1)
  const { all } = await explained(grid, second)
  expect(all).toContain(`resource gpu is held by job ${first} of anna (1)`)
  expect(all).not.toContain('resource disk')
})

test('what something asks for cannot be removed; a node takes what it had with it', async () => {
  const { grid, n1 } = await withLock()
  const remove = (node?: string) =>
    grid.call('removeResource', operator, {
      params: { resource: 'lock' },
      query: node === undefined ? {} : { node },
    })
  const schedule = { name: 's', expression: '@daily', job: { ...command, ...lock } }
  await grid.ok('addSchedule', anna, { body: schedule })
  expect(await remove()).toMatchObject({
    refusal: { code: 'wrong-state', detail: 'schedule s of anna asks for resource "lock"' },
  })
  await grid.ok('removeSchedule', anna, { params: { schedule: 's' } })
  const job = await grid.submit(lock)
  expect(await remove()).toMatchObject({
    refusal: { detail: `job ${job} of anna asks for resource "lock"` },
  })
  // A part of it can go, as long as another says how much there is.
  await define(grid, 'lock', 1, n1)
  expect(await remove('n2')).toMatchObject({ refusal: { code: 'not-found' } })
  expect((await remove()).ok).toBe(true)
  expect(await remove()).toMatchObject({ refusal: { code: 'not-found' } })
  await grid.stop([job])
  await grid.pass(400_000)
  await grid.ok('loseNode', operator, { params: { node: 'n1' }, body: { confirmed: true } })
  const told = grid.commits.length
  await grid.ok('removeNode', operator, { params: { node: 'n1' } })
  expect(grid.commits.slice(told).flat()).toContainEqual(
    expect.objectContaining({
      put: 'audit',
      row: expect.objectContaining({
        ...{ what: 'resource remove', about: 'resource lock', by: operator.owner },
        ...{ beforeJson: '{"total":null,"nodes":{"n1":1}}', afterJson: 'null' },
      }),
    }),
  )
  expect((await grid.ok('listResources', anna)).resources).toEqual([])
  await grid.reopen()
  expect((await grid.ok('listResources', anna)).resources).toEqual([])
})

test('a schedule may ask for more than there is now, and for nothing that is not defined', async () => {
  const { grid } = await withLock()
  const schedule = (name: string, resources: Record<string, number>) => ({
    body: { name, expression: '* * * * *', job: { ...command, resources } },
  })
  expect(await grid.refused('addSchedule', anna, schedule('s', { locks: 1 }))).toBe('refused')
  const { warnings } = await grid.ok('addSchedule', anna, schedule('s', { lock: 2 }))
  expect(warnings?.[0]).toBe(
    'it asks for 2 of resource "lock", and there are 1 in all; while that is so its due times are skipped',
  )
  await grid.pass(61_000)
  const { ledger } = await grid.ok('showSchedule', anna, { params: { schedule: 's' } })
  expect(ledger[0]).toMatchObject({ outcome: 'skipped', why: expect.stringContaining('lock') })
})

test('who may say how much there is, of which node, and under which name', async () => {
  const { grid } = await withLock()
  const set = (body: { name: string; total: number; node?: string }) =>
    grid.call('setResource', operator, { body })
  expect(await set({ name: 'gpu', total: 1, node: 'n9' })).toMatchObject({
    refusal: { code: 'not-found', detail: 'there is no node "n9"' },
  })
  expect(await set({ name: 'none', total: 1 })).toMatchObject({ refusal: { code: 'invalid' } })
  // Names that every object of the language has are names like others.
  await define(grid, 'constructor', 1)
  const job = await grid.submit({ resources: { constructor: 1 } })
  await grid.tick()
  expect(await shown(grid, 'constructor')).toMatchObject({ taken: 1, holders: [{ job }] })
  expect(await grid.refused('showResource', anna, { params: { resource: 'toString' } })).toBe(
    'not-found',
  )
})
