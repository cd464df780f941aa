/** After a restore: ends of what the lost database had placed, which a node still tells. */
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { parseTaskKey } from '../../../proto/ids.ts'
import { backUp } from '../../../scheduler/store/backup.ts'
import { restore } from '../../../scheduler/store/restore.ts'
import { anna, type BrainGrid } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'
import { bot, meet, openAt, schema, twicePlaced } from '../../support/restored.ts'
import { databasePath } from '../store/place.ts'

type Backup = { folder: string; file: string; grid: BrainGrid }

/** A grid, what is submitted to it, and a backup that knows no more than that. */
async function submitted(body: Parameters<BrainGrid['submit']>[0]) {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const job = await grid.submit(body)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  return { folder, file, grid, job }
}

async function restored({ folder, file, grid }: Backup, ...nodes: FakeNode[]) {
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const after = await openAt(`${folder}-2`, grid.clock)
  meet(after, ...nodes)
  return after
}

const told = async (node: FakeNode) => (await node.report(true)).answers.map(({ then }) => then)

test('tasks of an array that have ended are not begun again, the others go on', async () => {
  const backup = await submitted({ array: { from: 1, to: 9, step: 2 } })
  const { grid, job } = backup
  const node = await grid.node('n1')
  await grid.turn(node)
  for (const index of [1, 3, 5]) node.start(`${job}.${index}`)
  await grid.turn(node)
  node.exit(`${job}.1`)
  node.exit(`${job}.3`, 2)
  const after = await restored(backup, node)
  await after.pass(1_000_000, node)
  const { counts } = await after.show(job)
  expect(counts).toMatchObject({ succeeded: 1, failed: 1, running: 1, placed: 2, pending: 0 })
})

describe('of a task that the lost database had placed anew', () => {
  for (const first of ['older', 'newer'] as const)
    for (const code of [0, 3])
      test(`exit ${code} of the older placement stops no newer one, when the ${first} speaks first`, async () => {
        const { folder, older, newer, restoredAt } = await twicePlaced('the job')
        const task = [...newer.held.values()][0]?.order.task ?? ''
        older.exit(task, code)
        const after = await restoredAt(`${folder}-2`)
        meet(after, older, newer)
        for (const node of first === 'older' ? [older, newer] : [newer, older]) await told(node)
        expect(await told(newer)).toEqual(['keep'])
        await after.pass(1_000_000, older, newer)
        const shown = await after.show(parseTaskKey(task).job)
        expect(shown).toMatchObject({ state: 'running', node: 'n2' })
        expect([...older.held.keys()]).toEqual([])
      })

  test('a bot that ended well where it was cut off runs on where it was moved to', async () => {
    const backup = await submitted({ ...bot, restart: 'on-failure' })
    const { grid, job } = backup
    const older = await grid.node('n1')
    await grid.turn(older)
    const newer = await grid.node('n2')
    older.start(`${job}.1`)
    await grid.turn(older, newer)
    older.exit(`${job}.1`)
    await grid.pass(400_000, newer)
    newer.start(`${job}.1`)
    await grid.turn(newer)
    const after = await restored(backup, older, newer)
    await told(older)
    expect(await told(newer)).toEqual(['keep'])
    await after.pass(1_000_000, older, newer)
    expect(await after.show(job)).toMatchObject({ state: 'running', node: 'n2' })
  })
})

test('such an end is taken at once when the owner stops the job, and says until then what it waits for', async () => {
  const backup = await submitted(undefined)
  const { grid, job } = backup
  const node = await grid.node('n1')
  await grid.turn(node)
  node.start(`${job}.1`)
  await grid.turn(node)
  node.exit(`${job}.1`)
  const after = await restored(backup, node)
  expect(await told(node)).toEqual(['keep'])
  const { reasons } = await after.ok('explainJob', anna, { params: { job: String(job) } })
  expect(reasons.map(({ code }) => code)).toEqual(['restored'])
  // A scheduler that is started again meanwhile hears it again.
  await after.reopen()
  meet(after, node)
  expect(await told(node)).toEqual(['keep'])
  await after.stop([job])
  expect(await told(node)).toEqual(['forget'])
  expect(await after.show(job)).toMatchObject({ state: 'finished', outcome: 'succeeded' })
})

test('a restart is obeyed that is asked for after more of them than the restored database knows', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const node = await grid.node('n1')
  const job = await grid.submit(bot)
  await grid.turn(node)
  node.start(`${job}.1`)
  await grid.turn(node)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  const asked = { body: { jobs: [String(job)] } }
  for (let count = 0; count < 3; count += 1) {
    await grid.ok('restartJobs', anna, asked)
    await grid.turn(node)
  }
  const countOf = () => node.of(`${job}.1`).order.restart.count
  const seen = countOf()
  const after = await restored({ folder, file, grid }, node)
  await told(node)
  await after.ok('restartJobs', anna, asked)
  await after.turn(node)
  // An agent starts a run anew for a count that is higher than the one that it has seen.
  expect(countOf()).toBeGreaterThan(seen)
})
