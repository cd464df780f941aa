import { expect, test } from 'vitest'

import { anna, BrainGrid } from '../../support/brain.ts'

test('a job goes its way: submitted, placed, running, finished, with a timeline', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ name: 'hello' })
  expect((await grid.show(job)).state).toBe('pending')
  await grid.tick()
  expect((await grid.show(job)).state).toBe('placed')
  node.start(`${job}.1`)
  await node.report()
  expect(await grid.show(job)).toMatchObject({ state: 'running', node: 'n1' })
  const usage = { cpuMs: 5, memBytes: 7, peakMemBytes: 9, readBytes: 0, writtenBytes: 0 }
  node.usages = [{ task: `${job}.1`, epoch: 1, run: 1, usage }]
  await node.report()
  expect((await grid.show(job)).tasks[0]).toMatchObject({ runs: [{ number: 1, usage }] })
  node.usages = []
  node.exit(`${job}.1`)
  await node.report()
  const shown = await grid.show(job)
  expect(shown).toMatchObject({ state: 'finished', outcome: 'succeeded', node: 'n1' })
  expect(shown.cause).toEqual({ kind: 'exit', code: 0 })
  const happened = shown.timeline.map(({ what }) => what)
  expect(happened).toEqual([
    'submitted',
    'placed',
    'run-started',
    'run-ended',
    'task-finished',
    'finished',
  ])
  expect(node.has(`${job}.1`)).toBe(false)
  const { jobs } = await grid.ok('listJobs', anna, { query: { finished: true } })
  expect(jobs.map(({ id, node }) => [id, node])).toEqual([[job, 'n1']])
  expect(shown.tasks[0]).toMatchObject({ state: 'finished', node: 'n1' })
  expect(grid.brain.state.jobs.size).toBe(0)
})

test('what a node tells late stands in the timeline with the time at which it happened', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({})
  await grid.tick()
  node.start(`${job}.1`)
  const startedAt = grid.clock.now()
  await grid.clock.advance(2_000)
  node.exit(`${job}.1`)
  await grid.clock.advance(5_000)
  await node.report()
  const { timeline } = await grid.show(job)
  const at = (what: string) => Date.parse(timeline.find((entry) => entry.what === what)?.at ?? '')
  expect(at('run-started')).toBe(startedAt)
  expect(at('run-ended')).toBe(startedAt + 2_000)
  expect(at('finished')).toBe(startedAt + 7_000)
})
