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

test('only so many runs are looked at, also where none of them says what it peaked at', async () => {
  const grid = await BrainGrid.open()
  const changes: Change[] = [...submitChanges(1, { name: 'crunch' })]
  for (let number = 1; number <= 40; number += 1) {
    const usageJson = number <= 10 ? JSON.stringify(usage(100 * mib)) : null
    changes.push({ put: 'run', row: runRow(1, { number, endedAt: 1, usageJson }) })
  }
  await grid.store.commit(changes)
  expect(await grid.store.query('pastPeaks', { owner: 'anna', name: 'crunch', limit: 30 })).toEqual(
    [],
  )
  expect(await grid.store.query('pastPeaks', { owner: 'anna', name: 'crunch', limit: 31 })).toEqual(
    [100 * mib],
  )
})
