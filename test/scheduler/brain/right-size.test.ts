/** What past runs peaked at is told by `eg show`, from history, and at submit, from what ended of late. */
import { expect, test } from 'vitest'

import type { Change } from '../../../scheduler/store/change.ts'
import { anna, bert, BrainGrid } from '../../support/brain.ts'
import { runRow, submitChanges } from '../../support/store-rows.ts'

const mib = 2 ** 20
const usage = (peakMemBytes: number) => ({
  peakMemBytes,
  memBytes: null,
  cpuMs: 10,
  readBytes: null,
  writtenBytes: null,
})
const request = { command: ['/bin/true'], cwd: '/tmp', name: 'crunch' }

async function threeRuns(grid: BrainGrid): Promise<number> {
  const node = await grid.node('n1')
  let job = 0
  for (const peak of [100, 310, 200]) {
    job = await grid.submit({ ...request, memBytes: 2048 * mib })
    await grid.turn(node)
    node.start(`${job}.1`)
    node.end(`${job}.1`, { kind: 'exit', code: 0 }, { usage: usage(peak * mib) })
    await grid.turn(node)
  }
  return job
}

test('show tells it of the owner’s jobs of the name, also after a restart', async () => {
  const grid = await BrainGrid.open()
  const job = await threeRuns(grid)
  await grid.reopen()
  expect((await grid.show(job)).past).toEqual({
    runs: 3,
    peakMemBytes: 310 * mib,
    advice:
      'the last 3 runs of crunch peaked at 310M, far below the 2G asked for: --mem 448M is enough',
  })
  const other = await grid.submit({ name: 'other' })
  expect((await grid.show(other)).past).toBeNull()
  const berts = await grid.submit(request, bert)
  expect((await grid.show(berts)).past).toBeNull()
})

test('submit warns who asked for far too much, or has too little; and nobody else', async () => {
  const grid = await BrainGrid.open()
  await threeRuns(grid)
  const warnings = async (more: object, by = anna) =>
    (await grid.ok('submitJob', by, { body: { ...request, ...more } })).warnings
  expect(await warnings({ memBytes: 2048 * mib })).toEqual([
    expect.stringContaining('--mem 448M is enough'),
  ])
  expect(await warnings({ memBytes: 320 * mib })).toEqual([
    expect.stringContaining('ask for --mem 448M'),
  ])
  expect(await warnings({ memBytes: 448 * mib })).toEqual([])
  // The usual 512M: nobody asked.
  expect(await warnings({})).toEqual([])
  expect(await warnings({ memBytes: 2048 * mib }, bert)).toEqual([])
})

test('only so many runs of a job are looked at, also where none of them says what it peaked at', async () => {
  const grid = await BrainGrid.open()
  const runs = (id: number, count: number): Change[] => [
    ...submitChanges(id, { name: `crunch${id}` }),
    ...Array.from({ length: count }, (_, before): Change => {
      const usageJson = before < 10 ? JSON.stringify(usage(100 * mib)) : null
      return { put: 'run', row: runRow(id, { number: before + 1, endedAt: 1, usageJson }) }
    }),
  ]
  await grid.store.commit([...runs(1, 1_008), ...runs(2, 1_010)])
  const peaks = (name: string) => grid.store.query('pastPeaks', { owner: 'anna', name, limit: 30 })
  expect(await peaks('crunch1')).toEqual([100 * mib, 100 * mib])
  expect(await peaks('crunch2')).toEqual([])
})
