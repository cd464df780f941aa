import { expect, test } from 'vitest'

import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'

const bot = { kind: 'continuous', name: 'bot' } as const
const to = (node: FakeNode, body = {}) => ({ params: { node: node.name }, body })
const view = (grid: BrainGrid, node: FakeNode) =>
  grid.ok('showNode', operator, { params: { node: node.name } })

async function two(slots = 4) {
  const grid = await BrainGrid.open()
  const n1 = await grid.node('n1', { slots })
  const job = await grid.submit(bot)
  await grid.tick()
  const task = `${job}.1`
  n1.start(task)
  await n1.report()
  const n2 = await grid.node('n2', { slots })
  await grid.turn(n1, n2)
  return { grid, n1, n2, job, task }
}

test('a bot moves: its place is reserved, it is stopped, and starts there; done is what the agent attests', async () => {
  const { grid, n1, n2, job, task } = await two(1)
  const dry = await grid.ok('drainNode', operator, to(n1, { dryRun: true }))
  expect(dry).toMatchObject({ state: 'planned', left: 1, steps: [{ what: 'move', to: 'n2' }] })
  expect((await view(grid, n1)).drain).toBe(null)
  await grid.ok('drainNode', operator, to(n1, { reason: 'new disk' }))
  await grid.tick()
  expect(n1.of(task).order.want).toMatchObject({ kind: 'stop', cause: { kind: 'drained' } })
  expect((await view(grid, n2)).slotsUsed).toBe(1)
  // Nothing else may take the place that is reserved.
  const rival = await grid.submit({}, bert)
  await grid.tick()
  expect(await grid.state(rival)).toBe('pending')
  n1.oddities = [{ key: 'leftover', detail: 'odd', populated: true }]
  n1.stopWanted()
  await n1.report()
  await grid.quiet()
  expect(n2.of(task).order).toMatchObject({ epoch: 2, firstRun: 2 })
  await grid.tick()
  expect((await view(grid, n1)).drain).toMatchObject({ state: 'draining', left: 0 })
  n1.oddities = []
  await grid.turn(n1, n2)
  expect((await view(grid, n1)).drain).toMatchObject({ state: 'drained' })
  expect((await view(grid, n1)).reason).toBe('drained by olga: new disk')
  expect((await grid.show(job)).timeline.map(({ what }) => what)).toContain('moving')
  await grid.ok('undrainNode', operator, to(n1))
  await grid.tick()
  expect(n1.has(`${rival}.1`)).toBe(true)
})

test('who says it again, to watch it, changes only what is said', async () => {
  const { grid, n1 } = await two(2)
  const first = { reason: 'ram', deadlineMs: 60_000, then: 'kill', atOnce: 1 } as const
  const begun = await grid.ok('drainNode', operator, to(n1, first))
  await grid.pass(1_000)
  expect(await grid.ok('drainNode', operator, to(n1))).toMatchObject({
    reason: 'ram',
    deadlineAt: begun.deadlineAt,
    then: 'kill',
    atOnce: 1,
  })
  const dry = await grid.ok('drainNode', operator, to(n1, { dryRun: true, deadlineMs: null }))
  expect(dry).toMatchObject({ deadlineAt: null, then: 'kill' })
  await grid.ok('drainNode', operator, to(n1, { deadlineMs: null, reason: 'new ram' }))
  const { drain } = await view(grid, n1)
  expect(drain).toMatchObject({ reason: 'new ram', deadlineAt: null, then: 'kill', atOnce: 1 })
  await grid.ok('undrainNode', operator, to(n1))
  const anew = await grid.ok('drainNode', operator, to(n1))
  expect(anew).toMatchObject({ reason: '', deadlineAt: null, then: 'requeue', atOnce: 4 })
})

test('it survives a restart of the scheduler at any point', async () => {
  const { grid, n1, n2, task } = await two(1)
  await grid.ok('drainNode', operator, to(n1))
  await grid.tick()
  await grid.reopen()
  expect(grid.brain.state.capacity.used('n2').reserved).toBe(1)
  for (const node of [n1, n2]) {
    node.attach()
    await node.report()
  }
  await grid.quiet()
  n1.stopWanted()
  await n1.report()
  await grid.reopen()
  await grid.turn(n1, n2)
  n2.attach()
  await grid.quiet()
  expect(n2.has(task)).toBe(true)
  n2.start(task)
  await grid.turn(n1, n2)
  expect((await view(grid, n1)).drain?.state).toBe('drained')
})

test('without room elsewhere the job stays and the drain says what is missing', async () => {
  const { grid, n1, n2, job } = await two(1)
  await grid.submit({ ...bot, name: 'other' })
  await grid.tick()
  await grid.ok('drainNode', operator, to(n1, { deadlineMs: 60_000 }))
  await grid.pass(20_000, n1, n2)
  expect(await grid.state(job)).toBe('running')
  const { drain } = await view(grid, n1)
  expect(drain?.steps).toMatchObject([{ what: 'no-room' }])
  expect(drain?.steps[0]?.detail).toContain('no other node has room')
  const explain = (ref = String(job)) => grid.ok('explainJob', anna, { params: { job: ref } })
  const detail = `on n1, which is being drained: ${drain?.steps[0]?.detail}`
  expect(await explain()).toMatchObject({
    state: 'running',
    summary: `is running ${detail}`,
    reasons: [{ code: 'drain', nodes: null, detail }],
  })
  expect((await explain(`${job}.1`)).summary).toBe(`task 1 is running ${detail}`)
  expect((await explain('2')).summary).toContain('nothing of it waits')
  await grid.pass(60_000, n1, n2)
  expect((await explain(`${job}.1`)).summary).toBe(
    'task 1 is stopping on n1, which is being drained: was told to stop',
  )
  n1.stopWanted()
  await grid.turn(n1, n2)
  expect(await grid.state(job)).toBe('pending')
  expect((await view(grid, n1)).drain?.state).toBe('drained')
})

for (const [then, state] of [
  ['kill', 'finished'],
  ['requeue', 'placed'],
  ['wait', 'running'],
] as const) {
  test(`a one-off may finish until the deadline, then: ${then}`, async () => {
    const { grid, n1, n2 } = await two()
    const job = await grid.submit({ where: { node: 'n1' } })
    await grid.tick()
    n1.start(`${job}.1`)
    await n1.report()
    await grid.ok('editJob', anna, { params: { job: String(job) }, body: { where: {} } })
    await grid.ok('drainNode', operator, to(n1, { deadlineMs: 30_000, then }))
    await grid.pass(20_000, n1, n2)
    expect(await grid.state(job)).toBe('running')
    await grid.pass(20_000, n1, n2)
    n1.stopWanted()
    await grid.turn(n1, n2)
    expect(await grid.state(job)).toBe(state)
  })
}

test('a job that is stopped on its way gives the place that was reserved for it back', async () => {
  const { grid, n1, job } = await two()
  await grid.ok('drainNode', operator, to(n1))
  await grid.tick()
  await grid.stop([job])
  n1.stopWanted()
  await n1.report()
  expect(await grid.state(job)).toBe('finished')
  expect(grid.brain.state.capacity.reservations()).toEqual([])
  const { grid: other, n1: first, job: held } = await two()
  await other.ok('drainNode', operator, to(first))
  await other.tick()
  await other.ok('holdJobs', anna, { body: { jobs: [String(held)] } })
  first.stopWanted()
  await other.turn(first)
  expect(await other.state(held)).toBe('held')
  expect(other.brain.state.capacity.reservations()).toEqual([])
})

test('a silent node is drained when its lease is over', async () => {
  const { grid, n1, n2, task } = await two()
  await grid.pass(30_000, n2)
  await grid.ok('drainNode', operator, to(n1))
  await grid.pass(60_000, n2)
  expect((await view(grid, n1)).drain?.steps).toMatchObject([{ what: 'unreachable' }])
  await grid.pass(240_000, n2)
  expect((await view(grid, n1)).drain?.state).toBe('drained')
  expect(n2.has(task)).toBe(true)
})

test('a cordon keeps new work away, and what runs stays', async () => {
  const { grid, n1, n2, job } = await two()
  for (const node of [n1, n2]) await grid.ok('cordonNode', operator, to(node, { reason: 'why' }))
  const waiting = await grid.submit()
  await grid.pass(9_000, n1, n2)
  expect(await grid.state(waiting)).toBe('pending')
  expect(await grid.state(job)).toBe('running')
  await grid.reopen()
  expect((await view(grid, n1)).cordoned).toBe(true)
  await grid.turn(n1, n2)
  await grid.ok('uncordonNode', operator, to(n2))
  await grid.tick()
  expect(await grid.state(waiting)).toBe('placed')
})

test('a cordon said again without a reason keeps the one that was given', async () => {
  const { grid, n1 } = await two()
  await grid.ok('cordonNode', operator, to(n1, { reason: 'new disk' }))
  await grid.ok('cordonNode', operator, to(n1, {}))
  expect(await view(grid, n1)).toMatchObject({ reason: 'cordoned by olga: new disk' })
  await grid.ok('cordonNode', operator, to(n1, { reason: 'new fan' }))
  expect(await view(grid, n1)).toMatchObject({ reason: 'cordoned by olga: new fan' })
})

const probe = (verdict: 'ok' | 'failing' | 'critical') => ({
  probe: 'spool-disk',
  verdict,
  value: '2% free',
  threshold: '5%',
  since: '2026-01-01T00:00:00Z',
})

test('a failing probe cordons, a critical one drains, and recovery undoes only that', async () => {
  const { grid, n1, n2, task } = await two()
  n1.health = [probe('failing')]
  await grid.turn(n1, n2)
  expect(await view(grid, n1)).toMatchObject({
    cordoned: true,
    reason: 'cordoned by health: spool-disk 2% free',
    drain: null,
  })
  // A start of the agent has read nothing yet.
  n1.health = []
  await grid.turn(n1, n2)
  expect(await view(grid, n1)).toMatchObject({ cordoned: true })
  n1.health = [probe('critical')]
  await grid.turn(n1, n2)
  expect((await view(grid, n1)).drain?.by).toBe('health')
  await grid.ok('cordonNode', operator, to(n1, { reason: 'mine' }))
  n1.stopWanted()
  await grid.turn(n1, n2)
  expect(n2.has(task)).toBe(true)
  n1.health = [probe('ok')]
  await grid.turn(n1, n2)
  expect(await view(grid, n1)).toMatchObject({ drain: null, reason: 'cordoned by olga: mine' })
  await grid.ok('drainNode', operator, to(n1))
  n1.health = [probe('critical')]
  await grid.turn(n1, n2)
  n1.health = [probe('ok')]
  await grid.turn(n1, n2)
  expect((await view(grid, n1)).drain?.by).toBe('olga')
})

test('a node on which several owners fail at once is closed, and tried with one task', async () => {
  const { grid, n1, n2 } = await two(8)
  await grid.ok('cordonNode', operator, to(n2))
  const owners = ['a', 'b', 'c'].map((owner) => ({ ...anna, owner }))
  const failing = []
  for (const owner of owners) failing.push(await grid.submit({}, owner))
  await grid.tick()
  for (const job of failing) {
    n1.start(`${job}.1`)
    n1.exit(`${job}.1`, 127)
  }
  await grid.turn(n1, n2)
  const next = await grid.submit()
  const after = await grid.submit()
  await grid.turn(n1, n2)
  expect((await view(grid, n1)).reason).toContain('3 runs of 3 owners failed')
  expect(n1.has(`${next}.1`)).toBe(false)
  await grid.pass(64_000, n1, n2)
  expect(n1.has(`${next}.1`)).toBe(true)
  expect(n1.has(`${after}.1`)).toBe(false)
  n1.start(`${next}.1`)
  n1.exit(`${next}.1`)
  await grid.turn(n1, n2)
  await grid.turn(n1, n2)
  expect((await view(grid, n1)).reason).toBe(null)
  expect(n1.has(`${after}.1`)).toBe(true)
})
