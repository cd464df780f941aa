/** Queues on a whole brain: where their jobs go, when they wait, and what a restart remembers. */
import { expect, test } from 'vitest'

import { openEngine } from '../../../scheduler/store/engine.ts'
import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const command = { command: ['/bin/true'], cwd: '/tmp' }
const schedule = { name: 's', expression: '@daily', job: { ...command, queue: 'fast' } }
const onFast = { params: { queue: 'fast' } }
const fast = (grid: BrainGrid, more: object = {}) =>
  grid.ok('addQueue', operator, { body: { name: 'fast', ...more } })
const nodeOf = async (grid: BrainGrid, job: number) => (await grid.show(job)).node

test('two are there from the start, and cannot be removed', async () => {
  const grid = await BrainGrid.open()
  const { queues } = await grid.ok('listQueues', anna)
  expect(queues).toMatchObject([
    { name: 'continuous', priority: 10, kinds: ['continuous'], builtIn: true, closed: null },
    { name: 'task', priority: 0, kinds: ['task'], builtIn: true },
  ])
  expect(await grid.refused('removeQueue', operator, { params: { queue: 'task' } })).toBe('refused')
  expect(await grid.refused('addQueue', operator, { body: { name: 'task' } })).toBe('name-taken')
  expect(await grid.refused('showQueue', anna, onFast)).toBe('not-found')
})

test('jobs go to the nodes of their queue only, also after both have changed', async () => {
  const grid = await BrainGrid.open()
  const labels = { disk: 'ssd' }
  for (const name of ['n1', 'n2']) await grid.node(name, { slots: 4 })
  await grid.node('n3', { slots: 4, labels })
  await fast(grid, { nodes: ['n2'] })
  const first = await grid.submit({ queue: 'fast', slots: 3 })
  const second = await grid.submit({ queue: 'fast', slots: 3, where: { node: 'n2' } })
  await grid.tick()
  expect([await nodeOf(grid, first), await nodeOf(grid, second)]).toEqual(['n2', null])
  const { reasons } = await grid.ok('explainJob', anna, { params: { job: String(second) } })
  expect(reasons.map(({ detail }) => detail).join()).toContain('2 nodes not of queue fast')
  // By label now; what waits asks for its own labels still, so it fits nowhere.
  await grid.ok('editQueue', operator, { ...onFast, body: { nodes: [], where: labels } })
  const third = await grid.submit({ queue: 'fast', slots: 3 })
  await grid.tick()
  expect([await nodeOf(grid, second), await nodeOf(grid, third)]).toEqual([null, 'n3'])
  expect(await grid.ok('showQueue', anna, onFast)).toMatchObject({
    live: 3,
    placed: 2,
    pending: 1,
    slotsHeld: 6,
    nodesNow: 1,
  })
  await grid.reopen()
  expect((await grid.show(second)).spec.where).toEqual({ node: 'n2' })
  const fourth = await grid.submit({ queue: 'fast' })
  await grid.turn(...grid.nodes)
  expect([await nodeOf(grid, second), await nodeOf(grid, fourth)]).toEqual([null, 'n3'])
  // Any node again.
  await grid.ok('editQueue', operator, { ...onFast, body: { where: {} } })
  for (const node of grid.nodes) node.attach()
  await grid.stop([first])
  await grid.turn(...grid.nodes)
  for (const node of grid.nodes) node.stopWanted()
  await grid.turn(...grid.nodes)
  expect(await nodeOf(grid, second)).toBe('n2')
  expect(await grid.refused('submitJob', anna, { body: { ...command, queue: 'slow' } })).toBe(
    'refused',
  )
})

test('a queue without nodes can run nothing, and says so at once', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1')
  await fast(grid, { nodes: ['gone'] })
  const refused = await grid.call('submitJob', anna, { body: { ...command, queue: 'fast' } })
  expect(refused).toMatchObject({
    refusal: {
      code: 'can-never-run',
      detail: expect.stringContaining('not of queue fast'),
      hint: 'take another queue: queue fast has no nodes here',
    },
  })
})

test('a closed queue takes jobs and starts none, over a restart too, until it is opened', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  await fast(grid)
  const runs = await grid.submit({ queue: 'fast' })
  await grid.tick()
  await grid.ok('closeQueue', operator, { ...onFast, body: { reason: 'dust' } })
  const waits = await grid.submit({ queue: 'fast' })
  const other = await grid.submit()
  await grid.reopen()
  await grid.turn(node)
  expect([await grid.state(runs), await grid.state(waits)]).toEqual(['placed', 'pending'])
  expect(await grid.state(other)).toBe('placed')
  const why = await grid.ok('explainJob', anna, { params: { job: String(waits) } })
  expect(why.summary).toBe('waits: queue "fast" was closed by olga: dust')
  await grid.ok('openQueue', operator, onFast)
  expect(await grid.refused('openQueue', operator, onFast)).toBe('wrong-state')
  await grid.tick()
  expect(await grid.state(waits)).toBe('placed')
})

test('slots of a queue are shared by all who use it; a higher one goes first', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1', { slots: 4 })
  await fast(grid, { slots: 2, priority: 5 })
  const usual = await grid.submit({ array: { from: 1, to: 9, step: 1 } })
  const annas = await grid.submit({ queue: 'fast', array: { from: 1, to: 9, step: 1 } })
  const berts = await grid.submit({ queue: 'fast' }, bert)
  await grid.tick()
  const placed = async (job: number) => (await grid.show(job)).counts.placed
  expect([await placed(annas), await placed(berts), await placed(usual)]).toEqual([1, 1, 2])
  const why = await grid.ok('explainJob', anna, { params: { job: String(annas) } })
  expect(why.reasons.map(({ code }) => code)).toContain('queue-full')
})

test('limits of a queue hold at submit, at an edit and for schedules', async () => {
  const grid = await BrainGrid.open()
  await fast(grid, { users: ['anna'], jobs: 1, timeMs: 60_000, taskMemBytes: 2 ** 30 })
  expect(await grid.refused('submitJob', bert, { body: { ...command, queue: 'fast' } })).toBe(
    'forbidden',
  )
  expect(await grid.refused('addSchedule', bert, { body: schedule })).toBe('forbidden')
  await grid.ok('addSchedule', anna, { body: schedule })
  const job = await grid.submit({ queue: 'fast' })
  expect((await grid.show(job)).spec.timeMs).toBe(60_000)
  expect(await grid.refused('submitJob', anna, { body: { ...command, queue: 'fast' } })).toBe(
    'over-quota',
  )
  const edit = (body: object) =>
    grid.refused('editJob', anna, { params: { job: String(job) }, body })
  expect(await edit({ timeMs: null })).toBe('refused')
  expect(await edit({ memBytes: 2 ** 31 })).toBe('refused')
  expect(await edit({ timeMs: 30_000 })).toBe('done')
  expect(await grid.refused('removeQueue', operator, onFast)).toBe('wrong-state')
  await grid.stop([job])
  expect(await grid.refused('removeQueue', operator, onFast)).toBe('wrong-state')
  await grid.ok('removeSchedule', anna, { params: { schedule: 's' } })
  expect(await grid.refused('removeQueue', operator, onFast)).toBe('done')
  await grid.quiet()
  await grid.reopen()
  expect((await grid.ok('listQueues', anna)).queues).toHaveLength(2)
})

test('members of its groups are known before anything is decided after a start', async () => {
  const groupMembers = async () => ['anna']
  const grid = await BrainGrid.open({ settings: { groupMembers } })
  await fast(grid, { groups: ['lab'] })
  await grid.ok('addSchedule', anna, { body: { ...schedule, expression: '* * * * *' } })
  await grid.clock.advance(60_000)
  await grid.reopen()
  await grid.tick()
  const shown = await grid.ok('showSchedule', anna, { params: { schedule: 's' } })
  expect(shown.ledger).toMatchObject([{ outcome: 'ran' }])
  await grid.submit({ queue: 'fast' })
})

test('where nobody can name them, it starts all the same', async () => {
  const engine = openEngine(':memory:')
  const first = await BrainGrid.open({ engine })
  await fast(first, { groups: ['lab'] })
  const groupMembers = () => Promise.reject(new Error('no directory'))
  const grid = await BrainGrid.open({ engine, settings: { groupMembers } })
  expect(await grid.refused('submitJob', anna, { body: { ...command, queue: 'fast' } })).toBe(
    'forbidden',
  )
})

test('a label that is a queue’s is refused at an edit as at a submit', async () => {
  const grid = await BrainGrid.open()
  const where = { 'queue:fast': 'yes' }
  expect(await grid.refused('submitJob', anna, { body: { ...command, where } })).toBe('refused')
  const job = await grid.submit()
  const edit = { params: { job: String(job) }, body: { where } }
  expect(await grid.refused('editJob', anna, edit)).toBe('refused')
})
