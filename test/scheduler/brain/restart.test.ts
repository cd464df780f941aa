import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { openEngine } from '../../../scheduler/store/engine.ts'
import { anna, BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'

const bot = { kind: 'continuous', name: 'bot' } as const

/** What is to be the same after a restart. */
function remembered({ brain: { state } }: BrainGrid) {
  return {
    jobs: [...state.jobs.values()].map(({ untouched, tasks, after, ...job }) => ({
      ...job,
      remindAt: null,
      after: [...after],
      untouched: untouched.stretches,
      tasks: [...(tasks ?? []).values()].sort((a, b) => a.index - b.index),
    })),
    nodes: [...state.nodes.values()].map(({ name, operatorCordon, drain, outstanding, tasks }) => ({
      ...{ name, operatorCordon, drain, outstanding },
      tasks: [...tasks].sort(),
    })),
    schedules: [...state.schedules.values()].map(
      ({ name, spec, cursorAt, nextDue, paused, queue, lastEntry, liveJobs }) => ({
        ...{ name, spec, cursorAt, nextDue, paused, queue, lastEntry },
        liveJobs: [...liveJobs],
      }),
    ),
    waiting: state.waiting.tasks,
    used: [...state.nodes.keys()].map((name) => state.capacity.used(name)),
    share: state.shares.of('anna'),
    nextJob: state.nextJob,
    lastEvent: state.lastEvent,
  }
}

async function busy(): Promise<{ grid: BrainGrid; node: FakeNode }> {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 3 })
  const job = { command: ['x'], cwd: '/' }
  await grid.ok('addSchedule', anna, { body: { name: 's', expression: '* * * * *', job } })
  const first = await grid.submit(bot)
  const array = await grid.submit({ array: { from: 1, to: 9, step: 2 }, retry: 1, maxRunning: 2 })
  await grid.submit({ after: [{ job: String(array), on: 'any' }], hold: true })
  await grid.submit({ beginAt: '2027-01-01T00:00:00Z', where: { node: 'n1' }, slots: 2 })
  await grid.tick()
  node.start(`${first}.1`)
  node.start(`${array}.1`)
  node.exit(`${array}.1`, 1)
  node.start(`${array}.3`)
  await grid.turn(node)
  await grid.ok('suspendJobs', anna, { body: { jobs: ['bot'] } })
  await grid.ok('restartJobs', anna, { body: { jobs: ['bot'] } })
  await grid.stop([`${array}.3`, `${array}.9`])
  await grid.ok('cordonNode', operator, { params: { node: 'n1' }, body: { reason: 'r' } })
  await grid.ok('drainNode', operator, { params: { node: 'n1' }, body: {} })
  await grid.pass(60_000, node)
  return { grid, node }
}

test('everything that was acknowledged is there after a restart', async () => {
  const { grid } = await busy()
  const before = remembered(grid)
  await grid.reopen()
  expect(remembered(grid)).toEqual(before)
  await grid.reopen()
  expect(remembered(grid)).toEqual(before)
})

test('the cause of a job is that of its worst task, also when that ended before a restart', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ array: { from: 1, to: 3, step: 1 } })
  await grid.tick()
  node.start(`${job}.1`)
  node.exit(`${job}.1`, 9)
  await node.report()
  await grid.reopen()
  node.attach()
  await grid.turn(node)
  node.start(`${job}.2`)
  node.exit(`${job}.2`)
  await grid.stop([`${job}.3`])
  await grid.quiet()
  node.stopWanted()
  await node.report()
  expect(await grid.show(job)).toMatchObject({
    outcome: 'failed',
    cause: { kind: 'exit', code: 9 },
    counts: { succeeded: 1, failed: 1, cancelled: 1 },
  })
})

test('after a restart nothing is placed on a node before it has spoken', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  await grid.reopen()
  const job = await grid.submit()
  await grid.tick()
  expect(await grid.state(job)).toBe('pending')
  node.attach()
  await grid.turn(node)
  expect(node.has(`${job}.1`)).toBe(true)
  expect(node.revision?.incarnation).toBe(2)
})

test('an idempotency record is in the commit of its change', async () => {
  const grid = await BrainGrid.open()
  const body = { command: ['x'], cwd: '/' }
  await grid.call('submitJob', anna, { body })
  const at = grid.clock.now()
  const row = { owner: 'anna', key: 'k', route: 'submitJob', hash: 'h', status: 200, at }
  grid.brain.recordReply({ ...row, replyJson: '{}' })
  await grid.brain.settled()
  const commit = grid.commits.at(-1)?.map((change) => ('put' in change ? change.put : ''))
  expect(commit).toContain('job')
  expect(commit).toContain('reply')
  await grid.reopen()
  expect(grid.brain.knownReply('anna', 'k')).toBe(true)
  await grid.clock.advance(25 * 3_600_000)
  expect(grid.brain.knownReply('anna', 'k')).toBe(false)
  expect(await grid.brain.storedReply('anna', 'k')).toMatchObject({ replyJson: '{}' })
})

test('changes made while a commit is under way share the next one', async () => {
  const grid = await BrainGrid.open()
  let open = (): void => {}
  grid.gate = new Promise((resolve) => (open = resolve))
  const before = grid.commits.length
  await grid.call('submitJob', anna, { body: { command: ['x'], cwd: '/' } })
  await grid.clock.advance(0)
  for (let count = 0; count < 50; count += 1)
    void grid.call('submitJob', anna, { body: { command: ['x'], cwd: '/' } })
  open()
  await grid.brain.settled()
  expect(grid.commits.length - before).toBe(2)
})

test('a commit that fails ends the process: nobody gets an answer', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const lines = node.lines.length
  const events: unknown[] = []
  grid.brain.onEvents((batch) => events.push(...batch))
  await grid.call('submitJob', anna, { body: { command: ['x'], cwd: '/' } })
  grid.brain.tick()
  grid.gate = Promise.reject(new Error('disk full'))
  grid.gate.catch(() => {})
  await expect(grid.brain.settled()).rejects.toThrow('disk full')
  expect(grid.failures).toHaveLength(1)
  expect(node.lines).toHaveLength(lines)
  expect(events).toEqual([])
  await expect(grid.brain.settled()).rejects.toThrow('disk full')
})

test('orders: the full list first, then differences in order, none before its commit', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  expect(node.lines).toMatchObject([{ kind: 'full', orders: [] }])
  let open = (): void => {}
  grid.gate = new Promise((resolve) => (open = resolve))
  const job = await grid.call('submitJob', anna, { body: { ...bot, command: ['x'], cwd: '/' } })
  grid.brain.tick()
  await grid.clock.advance(10)
  expect(node.lines).toHaveLength(1)
  // A stream that begins in the meantime is told all, and nothing before that.
  node.detach()
  node.lines.length = 0
  node.attach()
  grid.gate = null
  open()
  await grid.quiet()
  const id = job.ok ? job.value.job : 0
  expect(node.lines).toMatchObject([{ kind: 'full', orders: [{ task: `${id}.1` }] }])
  await grid.ok('restartJobs', anna, { body: { jobs: ['bot'] } })
  await grid.stop([id])
  await grid.quiet()
  const counters = node.lines.map((line) => ('revision' in line ? line.revision.counter : 0))
  expect(counters).toEqual([...counters].sort((a, b) => a - b))
  for (const line of node.lines.slice(1))
    expect(line.kind === 'diff' && line.base === line.revision.counter - 1).toBe(true)
})

test('a stream that begins before the first report gets its full line after it', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n0')
  const lines: string[] = []
  grid.brain.attachOrders('late', { send: ({ kind }) => lines.push(kind), close: () => {} })
  await grid.quiet()
  expect(lines).toEqual([])
  await grid.node('late')
  expect(lines.slice(0, 1)).toEqual(['full'])
})

test('what a restored database knows as waiting does not start while a node may run it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-brain-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'copy.db')
  const grid = await BrainGrid.open()
  const nodes = [await grid.node('n1'), await grid.node('n2')]
  const job = await grid.submit(bot)
  await grid.engine.backup(path)
  await grid.tick()
  await grid.turn(...nodes)
  await grid.submit({ ...bot, name: 'second' })
  await grid.turn(...nodes)
  const cutOff = nodes.find((node) => node.has(`${job}.1`))
  const others = nodes.filter((node) => node !== cutOff)

  const restored = await BrainGrid.open({ clock: grid.clock, engine: openEngine(path) })
  onTestFinished(() => restored.engine.close())
  for (const node of nodes) node.meet(restored.brain)
  for (const node of others) {
    node.attach()
    await node.report(true)
  }
  await restored.pass(3_600_000, ...others)
  expect(await restored.state(job)).toBe('pending')
  // A second start on it knows as little, and waits as well.
  await restored.reopen()
  for (const node of others) {
    node.meet(restored.brain)
    node.attach()
  }
  await restored.pass(600_000, ...others)
  expect(await restored.state(job)).toBe('pending')
  await restored.ok('loseNode', operator, {
    params: { node: cutOff?.name ?? '' },
    body: { confirmed: true },
  })
  await restored.pass(10_000, ...others)
  expect(await restored.state(job)).not.toBe('pending')
})

test('what a restored database had placed, and nobody has any more, is placed anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-brain-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'copy.db')
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit(bot)
  const once = await grid.submit()
  node.obeys = false
  await grid.tick()
  await grid.engine.backup(path)

  const restored = await BrainGrid.open({ clock: grid.clock, engine: openEngine(path) })
  onTestFinished(() => restored.engine.close())
  // It has run both to their end since, and forgotten them.
  node.held.clear()
  node.obeys = true
  node.meet(restored.brain)
  node.revision = { incarnation: 7, counter: 1 }
  await node.report(true)
  expect(await restored.state(job)).toBe('pending')
  expect(await restored.show(once)).toMatchObject({
    outcome: 'failed',
    cause: { kind: 'outcome-unknown' },
  })
  node.attach()
  await restored.pass(330_000, node)
  const { tasks } = await restored.show(job)
  expect(tasks[0]?.epoch).toBeGreaterThan(1000)
})

test('what a node had taken on at the backup and has forgotten since is not ordered again in vain', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-brain-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'copy.db')
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const once = await grid.submit()
  await grid.turn(node)
  await grid.engine.backup(path)

  const restored = await BrainGrid.open({ clock: grid.clock, engine: openEngine(path) })
  onTestFinished(() => restored.engine.close())
  // An agent remembers what is over, and ignores a late order for it.
  node.held.clear()
  node.obeys = false
  node.meet(restored.brain)
  node.revision = { incarnation: 7, counter: 1 }
  await node.report(true)
  expect(await restored.show(once)).toMatchObject({
    outcome: 'failed',
    cause: { kind: 'outcome-unknown' },
  })
})

test('a node that joins again in the commit of its removal is there after a restart', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  await grid.node('n2')
  await grid.pass(7 * 60_000)
  void grid.call('removeNode', operator, { params: { node: 'n1' } })
  const joined = node.report(true)
  await grid.quiet()
  await joined
  expect(grid.brain.state.nodes.has('n1')).toBe(true)
  await grid.reopen()
  expect(grid.brain.state.nodes.has('n1')).toBe(true)
})

test('a restored database takes up what it has lost, and gives no number out twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evergrid-brain-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'copy.db')
  const grid = await BrainGrid.open()
  const nodes = [await grid.node('n1'), await grid.node('n2')]
  const waiting = await grid.submit({ ...bot, name: 'known' })
  const idle = await grid.submit({ ...bot, name: 'idle', hold: true })
  await grid.engine.backup(path)
  await grid.tick()
  await grid.reopen()
  for (const node of nodes) {
    node.attach()
    await node.report()
  }
  const lost = await grid.submit({ ...bot, name: 'lost' })
  await grid.turn(...nodes)
  for (const node of nodes) for (const { order } of node.held.values()) node.start(order.task)
  await grid.turn(...nodes)
  const on = nodes.find((node) => node.has(`${waiting}.1`))?.name

  const restored = await BrainGrid.open({ clock: grid.clock, engine: openEngine(path) })
  onTestFinished(() => restored.engine.close())
  await restored.brain.settled()
  // The restored one has started once less than the other.
  for (const node of nodes) node.meet(restored.brain)
  const fresh: string[] = []
  for (const node of nodes) {
    node.attach()
    const { answers } = await node.report(true)
    fresh.push(...answers.map(({ task, then }) => `${task} ${then}`))
  }
  expect(fresh.sort()).toEqual([`${waiting}.1 keep`, `${lost}.1 keep`])
  expect(await restored.show(waiting)).toMatchObject({ state: 'running', node: on })
  const views = (await restored.ok('listNodes', operator)).nodes
  expect(views.flatMap(({ unknownRuns }) => unknownRuns)).toMatchObject([{ task: `${lost}.1` }])
  expect(await restored.submit()).toBeGreaterThan(lost + 1000)
  await restored.ok('releaseJobs', anna, { body: { jobs: [String(idle)] } })
  await restored.tick()
  // A node that joined since may run it, and nobody here knows of that node.
  expect(await restored.state(idle)).toBe('pending')
  const why = await restored.ok('explainJob', anna, { params: { job: String(idle) } })
  expect(why.reasons.map(({ code }) => code)).toContain('restored')
  await restored.pass(330_000, ...nodes)
  const { tasks } = await restored.show(idle)
  expect(tasks[0]?.epoch).toBeGreaterThan(1000)
  expect(
    nodes.some((node) => node.revision?.incarnation === restored.brain.state.incarnation),
  ).toBe(true)
})
