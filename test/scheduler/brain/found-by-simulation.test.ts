/** What the simulation found, told small. */
import { expect, test } from 'vitest'

import { anna, BrainGrid, operator } from '../../support/brain.ts'

test('a one-off uses up its retries although each of its runs began in health', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ retry: 1 })
  await grid.tick()
  for (let run = 1; run <= 2; run += 1) {
    node.start(`${job}.1`)
    await node.report()
    node.exit(`${job}.1`, 1)
    await node.report()
    await grid.pass(20_000, node)
  }
  expect(await grid.show(job)).toMatchObject({ state: 'finished', outcome: 'failed' })
})

test('a suspended job that lost its place can be resumed, and is placed again', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ kind: 'continuous', name: 'bot' })
  const task = `${job}.1`
  await grid.tick()
  node.start(task)
  await node.report()
  const jobs = { body: { jobs: [String(job)] } }
  await grid.ok('suspendJobs', anna, jobs)
  node.end(task, { kind: 'lease-expired', node: 'n1' })
  await node.report()
  expect(await grid.state(job)).toBe('pending')
  expect((await grid.ok('resumeJobs', anna, jobs)).done).toHaveLength(1)
  await grid.tick()
  await grid.quiet()
  expect(await grid.state(job)).toBe('placed')
  expect(node.of(task).order.want.kind).toBe('run')
})

test('what was suspended, lost its place, was held and released can be resumed while it waits', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ kind: 'continuous', name: 'bot' })
  const task = `${job}.1`
  await grid.tick()
  node.start(task)
  await node.report()
  const jobs = { body: { jobs: [String(job)] } }
  await grid.ok('suspendJobs', anna, jobs)
  node.end(task, { kind: 'lease-expired', node: 'n1' })
  await node.report()
  await grid.ok('holdJobs', anna, jobs)
  await grid.ok('releaseJobs', anna, jobs)
  expect((await grid.ok('resumeJobs', anna, jobs)).done).toHaveLength(1)
  await grid.tick()
  await grid.quiet()
  expect(node.of(task).order.want.kind).toBe('run')
})

test('a retry does not wait for a time that went far away when the clock was set back', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ retry: 1 })
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  node.exit(`${job}.1`, 1)
  await node.report()
  grid.clock.stepWall(-3_600_000)
  await grid.pass(20_000, node)
  expect(await grid.state(job)).toBe('placed')
})

test('nor where an operator says that the clock is right before a tick has seen its step', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ retry: 1 })
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  node.exit(`${job}.1`, 1)
  await node.report()
  grid.clock.stepWall(-3_600_000)
  await grid.ok('confirmClock', operator)
  await grid.pass(20_000, node)
  expect(await grid.state(job)).toBe('placed')
})

test('a stop does not end what a silent node may still be told to begin: its order may be on its way', async () => {
  const grid = await BrainGrid.open()
  const [node] = [await grid.node('n1'), await grid.node('n2', { slots: 0 })]
  const job = await grid.submit()
  node.obeys = false
  await grid.pass(25_000)
  await grid.stop([job])
  await node.report(true)
  expect(await grid.state(job)).toBe('stopping')
  node.obeys = true
  node.attach()
  await grid.quiet()
  node.stopWanted()
  await node.report()
  expect(await grid.show(job)).toMatchObject({ state: 'finished', outcome: 'cancelled' })
})
