/** Grids with a backup, and what a restore of it meets on the nodes. */
import { dirname, join } from 'node:path'

import { expect, onTestFinished } from 'vitest'

import { backUp } from '../../scheduler/store/backup.ts'
import { openEngine } from '../../scheduler/store/engine.ts'
import { migrationsIn } from '../../scheduler/store/migrate.ts'
import { prepareDataFolder } from '../../scheduler/store/open.ts'
import { restore } from '../../scheduler/store/restore.ts'
import { databasePath } from '../scheduler/store/place.ts'
import { anna, BrainGrid, operator } from './brain.ts'
import type { FakeNode } from './fake-node.ts'

export const schema = migrationsIn().length
export const bot = { kind: 'continuous', name: 'bot' } as const

export async function openAt(folder: string, clock?: BrainGrid['clock']): Promise<BrainGrid> {
  const engine = openEngine(prepareDataFolder(folder), { reserveBytes: 0 })
  onTestFinished(() => engine.close())
  return BrainGrid.open({ engine, ...(clock ? { clock } : {}) })
}

/** A grid whose node runs a job that no backup knows, and the backup. */
export async function gridWithBackup() {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const node = await grid.node('n1')
  const known = await grid.submit(bot)
  await grid.turn(node)
  // Of several nodes each has a lease that ends.
  const idle = await grid.node('n0', { slots: 0 })
  await grid.turn(node, idle)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  // The lost one starts once more: a start on the backup then has the same incarnation, without the mark.
  await grid.reopen()
  await node.report()
  node.attach()
  const lost = await grid.submit({ name: 'lost' })
  await grid.turn(node)
  node.start(`${lost}.1`)
  node.start(`${known}.1`)
  await grid.turn(node)
  return { folder, grid, node, known, lost, file }
}

/** A task is on two nodes, and the backup knows nothing of that, or of the job at all: one was wrongly called lost, and goes on beside the next. */
export async function twicePlaced(backupKnows: 'nothing' | 'the job' = 'nothing') {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const older = await grid.node('n1', { slots: 1 })
  const newer = await grid.node('n2', { slots: 1 })
  await grid.turn(older, newer)
  const submit = () => grid.submit({ name: 'twice', retry: 1, hold: true })
  const known = backupKnows === 'the job' ? await submit() : null
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  await grid.ok('cordonNode', operator, { params: { node: 'n2' }, body: {} })
  const job = known ?? (await submit())
  await grid.ok('releaseJobs', anna, { body: { jobs: [String(job)] } })
  await grid.turn(older, newer)
  older.start(`${job}.1`)
  await grid.turn(older, newer)
  await grid.pass(40_000, newer)
  await grid.ok('loseNode', operator, { params: { node: 'n1' }, body: { confirmed: true } })
  await grid.ok('uncordonNode', operator, { params: { node: 'n2' } })
  await grid.turn(newer)
  newer.start(`${job}.1`)
  await grid.turn(newer)
  expect([older, newer].map((node) => node.of(`${job}.1`).order.epoch)).toEqual([1, 2])
  const restoredAt = (elsewhere: string) => {
    restore({ folder: elsewhere, file, overwrite: false, now: grid.clock.now(), schema })
    return openAt(elsewhere, grid.clock)
  }
  return { folder, older, newer, restoredAt }
}

export function meet(restored: BrainGrid, ...nodes: FakeNode[]): void {
  for (const node of nodes) {
    node.meet(restored.brain)
    node.attach()
  }
}
