/** A start on a backup is ahead of all that was given out since, before any node has spoken: the mark says so. */
import { copyFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import type { Caller } from '../../../scheduler/brain/call.ts'
import { defaultLease } from '../../../scheduler/core/lease.ts'
import { backUp } from '../../../scheduler/store/backup.ts'
import { openEngine } from '../../../scheduler/store/engine.ts'
import { migrationsIn } from '../../../scheduler/store/migrate.ts'
import { prepareDataFolder } from '../../../scheduler/store/open.ts'
import { restore } from '../../../scheduler/store/restore.ts'
import { anna, BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'
import { databasePath } from '../store/place.ts'

const schema = migrationsIn().length
const bot = { kind: 'continuous', name: 'bot' } as const

async function openAt(folder: string, clock?: BrainGrid['clock']): Promise<BrainGrid> {
  const engine = openEngine(prepareDataFolder(folder), { reserveBytes: 0 })
  onTestFinished(() => engine.close())
  return BrainGrid.open({ engine, ...(clock ? { clock } : {}) })
}

/** A grid whose node runs a job that no backup knows, and the backup. */
async function gridWithBackup() {
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

test('a number given out and lost is not given out again, though no node has spoken', async () => {
  const { folder, grid, node, known, lost, file } = await gridWithBackup()
  const elsewhere = `${folder}-2`
  restore({ folder: elsewhere, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(elsewhere, grid.clock)
  expect(restored.brain.state.incarnation).toBeGreaterThan(grid.brain.state.incarnation)
  const other = await restored.node('n2')
  const fresh = await restored.submit({ name: 'fresh' })
  expect(fresh).toBeGreaterThan(lost)
  const { refused } = await restored.stop([lost])
  expect(refused).toMatchObject([{ detail: `there is no live job "${lost}"` }])
  await restored.turn(other)
  expect(await restored.show(fresh)).toMatchObject({ state: 'placed', node: 'n2' })

  node.meet(restored.brain)
  node.attach()
  const { answers } = await node.report(true)
  expect(answers.map(({ task, then }) => `${task} ${then}`).sort()).toEqual(
    [`${known}.1 keep`, `${lost}.1 keep`].sort(),
  )
  await restored.quiet()
  expect(await restored.show(fresh)).toMatchObject({ state: 'placed', node: 'n2' })
  const { unknownRuns } = await restored.ok('showNode', operator, { params: { node: 'n1' } })
  expect(unknownRuns).toMatchObject([{ task: `${lost}.1` }])
  const events = await restored.brain.eventsAfter(0, 1_000, null)
  expect(events.filter(({ what }) => what === 'restored')).toHaveLength(1)
})

test('a backup that somebody only copied into place is as sure', async () => {
  const { folder, grid, lost, file } = await gridWithBackup()
  const elsewhere = `${folder}-2`
  copyFileSync(file, prepareDataFolder(elsewhere))
  const restored = await openAt(elsewhere, grid.clock)
  expect(await restored.submit()).toBeGreaterThan(lost + 900_000)
  const first = restored.brain.state.incarnation
  // Once is enough: the mark is gone with the first start.
  await restored.reopen()
  expect(restored.brain.state.incarnation).toBe(first + 1)
})

test('each restore from one backup goes ahead of the one before', async () => {
  const { folder, grid, file } = await gridWithBackup()
  const elsewhere = `${folder}-2`
  let before = { incarnation: 0, job: 0, epoch: 0 }
  const rounds = [
    'on nothing',
    'over what the first has become',
    'where that is lost',
    'by a clock that was set back',
    'twice, by a clock that was set back again',
  ]
  for (const round of rounds) {
    await grid.clock.advance(60_000)
    if (round === 'where that is lost') rmSync(elsewhere, { recursive: true })
    if (round === 'by a clock that was set back') grid.clock.stepWall(-3_600_000)
    const times = round.startsWith('twice') ? 2 : 1
    if (times === 2) grid.clock.stepWall(-3_600_000)
    for (let nth = 0; nth < times; nth += 1)
      restore({ folder: elsewhere, file, overwrite: true, now: grid.clock.now(), schema })
    const engine = openEngine(prepareDataFolder(elsewhere), { reserveBytes: 0 })
    const restored = await BrainGrid.open({ engine, clock: grid.clock })
    const job = await restored.submit()
    const [known] = restored.brain.state.jobs.values()
    const now = { incarnation: restored.brain.state.incarnation, job, epoch: known?.epochBase ?? 0 }
    expect(now.incarnation).toBeGreaterThan(before.incarnation)
    expect(now.job).toBeGreaterThan(before.job)
    expect(now.epoch).toBeGreaterThan(before.epoch)
    before = now
    engine.close()
  }
})

test('nodes that have not spoken since are not judged', async () => {
  const { folder, grid, known, file } = await gridWithBackup()
  const elsewhere = `${folder}-2`
  restore({ folder: elsewhere, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(elsewhere, grid.clock)
  await restored.pass(1_000_000)
  expect((await restored.show(known)).state).toBe('unreachable')
})

test('what was placed after the backup of a suspended job is suspended as its job is, until that is resumed', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const node = await grid.node('n1')
  const job = await grid.submit({ array: { from: 1, to: 2, step: 1 }, retry: 1 })
  await grid.turn(node)
  for (const index of [1, 2]) node.start(`${job}.${index}`)
  await grid.turn(node)
  // It has been touched, and waits for its second try when the job is suspended.
  node.exit(`${job}.2`, 1)
  await node.report()
  expect((await grid.show(job)).counts).toMatchObject({ running: 1, pending: 1 })
  const jobs = { body: { jobs: [String(job)] } }
  await grid.ok('suspendJobs', anna, jobs)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  await grid.ok('resumeJobs', anna, jobs)
  await grid.pass(60_000, node)
  node.start(`${job}.2`)
  await grid.turn(node)

  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  node.meet(restored.brain)
  node.attach()
  await node.report(true)
  await restored.turn(node)
  expect(node.of(`${job}.2`).order.want.kind).toBe('suspend')
  await restored.ok('resumeJobs', anna, jobs)
  await restored.turn(node)
  expect(node.of(`${job}.2`).order.want.kind).toBe('run')
})

test('what waits is held back for the longest lease that the lost database is known to have granted', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const engine = openEngine(prepareDataFolder(folder), { reserveBytes: 0 })
  const terms = { termMs: 1_500_000, killMs: 1_600_000, endMs: 1_800_000 }
  const grid = await BrainGrid.open({ engine, settings: { lease: { ...defaultLease, terms } } })
  const nodes = [await grid.node('n1'), await grid.node('n2')]
  await grid.turn(...nodes)
  const waiting = await grid.submit(bot)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  engine.close()
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  // By now the operators have settled on shorter leases.
  const restored = await openAt(`${folder}-2`, grid.clock)
  for (const node of nodes) {
    node.meet(restored.brain)
    node.attach()
  }
  const isHeld = async () => {
    const { reasons } = await restored.ok('explainJob', anna, { params: { job: String(waiting) } })
    return reasons.some(({ code }) => code === 'restored')
  }
  await restored.pass(900_000, ...nodes)
  expect(await isHeld()).toBe(true)
  await restored.reopen()
  await restored.pass(1_700_000, ...nodes)
  expect(await isHeld()).toBe(true)
  await restored.pass(200_000, ...nodes)
  expect(await isHeld()).toBe(false)
})

test('over the database that it was made of: a node that joined since is waited for, what was withdrawn since stays so', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const engine = openEngine(prepareDataFolder(folder), { reserveBytes: 0 })
  const grid = await BrainGrid.open({ engine })
  const first = await grid.node('n1', { slots: 1 })
  const second = await grid.node('n2', { slots: 0 })
  await grid.turn(first, second)
  const waiting = await grid.submit(bot)
  const manager: Caller = { owner: 'mona', rights: 'manager', from: 'test' }
  const token = (name: string) => ({
    body: { name, hash: 'ab'.repeat(32), scopes: ['submit' as const], expiresInMs: 86_400_000 },
  })
  const stolen = await grid.ok('createToken', anna, token('stolen'))
  const kept = await grid.ok('createToken', anna, token('kept'))
  const grant = (owner: string) =>
    grid.ok('grantRole', manager, { body: { owner, role: 'operator' } })
  await grant('olga')
  await grant('otto')
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })

  await grid.ok('revokeToken', anna, { params: { token: String(stolen.id) } })
  await grid.ok('revokeRole', manager, { params: { owner: 'otto' } })
  const joined = await grid.node('n3')
  await grid.turn(first, second, joined)
  await grid.quiet()
  engine.close()
  const over = { folder, file, overwrite: true, now: grid.clock.now(), schema }
  expect(restore(over).since).toEqual({ joined: ['n3'], withdrawn: 2 })

  const restored = await openAt(folder, grid.clock)
  const { tokens } = await restored.ok('listTokens', anna, { query: {} })
  expect(tokens.map(({ id, revoked }) => [id, revoked !== null])).toEqual([
    [stolen.id, true],
    [kept.id, false],
  ])
  expect([...restored.brain.state.roles.keys()]).toEqual(['olga'])
  for (const node of [first, second]) {
    node.meet(restored.brain)
    node.attach()
  }
  await restored.pass(900_000, first, second)
  const { reasons } = await restored.ok('explainJob', anna, { params: { job: String(waiting) } })
  expect(reasons.map(({ detail }) => detail).join()).toContain('n3')
  await restored.ok('loseNode', operator, { params: { node: 'n3' }, body: { confirmed: true } })
  await restored.pass(60_000, first, second)
  expect(await restored.state(waiting)).toBe('placed')
})

test('what runs on a node unknown to the restored database takes its share of it', async () => {
  const { folder, grid, node, lost, file } = await gridWithBackup()
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  node.meet(restored.brain)
  node.attach()
  await node.report(true)
  await restored.quiet()
  const used = async () =>
    (await restored.ok('showNode', operator, { params: { node: 'n1' } })).slotsUsed
  // Of four: the bot, and what was lost.
  expect(await used()).toBe(2)
  const fits = await restored.submit({ slots: 2 })
  const waits = await restored.submit({ slots: 1 })
  await restored.turn(node)
  expect([await restored.state(fits), await restored.state(waits)]).toEqual(['placed', 'pending'])
  node.start(`${fits}.1`)
  node.exit(`${lost}.1`)
  await restored.turn(node)
  expect(await used()).toBe(4)
  expect(await restored.state(waits)).toBe('placed')
})

test('an order of the lost database that a node has not saved yet is taken into account, and not for known', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const waiting = await grid.submit(bot)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  const node = await grid.node('n1')
  await grid.turn(node)
  const { order } = node.of(`${waiting}.1`)

  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  const other = await restored.node('n2')
  node.meet(restored.brain)
  node.of(`${waiting}.1`).report.unsaved = true
  const { answers } = await node.report(true)
  expect(answers).toMatchObject([{ task: `${waiting}.1`, version: 0, then: 'keep' }])
  await restored.turn(other)
  expect(await restored.show(waiting)).toMatchObject({ state: 'placed', node: 'n1' })
  // It has lost it after all: nothing had begun, and it may start anywhere.
  node.held.clear()
  node.attach()
  await node.report(true)
  await restored.pass(1_000_000, node, other)
  expect(node.has(`${waiting}.1`) || other.has(`${waiting}.1`)).toBe(true)
  expect(restored.brain.state.jobs.get(waiting)?.tasks?.get(1)?.epoch).toBeGreaterThan(order.epoch)
})

test('what waits is held back until each node that speaks has the orders of this database in hand', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const node = await grid.node('n1')
  await grid.turn(node)
  const waiting = await grid.submit({ hold: true })
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  await restored.ok('releaseJobs', anna, { body: { jobs: [String(waiting)] } })
  node.meet(restored.brain)
  // Its old stream is still open as far as it knows: what lies there may reach it yet.
  await restored.pass(3_600_000, node)
  const { reasons } = await restored.ok('explainJob', anna, { params: { job: String(waiting) } })
  expect(reasons.map(({ code }) => code)).toContain('restored')
  node.attach()
  await restored.pass(60_000, node)
  expect(await restored.show(waiting)).toMatchObject({ state: 'placed', node: 'n1' })
})

/** A task that no backup knows is on two nodes: one was wrongly called lost, and goes on beside the next. */
async function twicePlaced() {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const older = await grid.node('n1', { slots: 1 })
  const newer = await grid.node('n2', { slots: 1 })
  await grid.turn(older, newer)
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  await grid.ok('cordonNode', operator, { params: { node: 'n2' }, body: {} })
  const lost = await grid.submit({ name: 'lost', retry: 1 })
  await grid.turn(older, newer)
  older.start(`${lost}.1`)
  await grid.turn(older, newer)
  await grid.pass(40_000, newer)
  await grid.ok('loseNode', operator, { params: { node: 'n1' }, body: { confirmed: true } })
  await grid.ok('uncordonNode', operator, { params: { node: 'n2' } })
  await grid.turn(newer)
  newer.start(`${lost}.1`)
  await grid.turn(newer)
  expect([older, newer].map((node) => node.of(`${lost}.1`).order.epoch)).toEqual([1, 2])
  const restoredAt = (elsewhere: string) => {
    restore({ folder: elsewhere, file, overwrite: false, now: grid.clock.now(), schema })
    return openAt(elsewhere, grid.clock)
  }
  return { folder, older, newer, restoredAt }
}

/** What a node is told of all that it has, when it reports. */
async function told(node: FakeNode): Promise<string[]> {
  const { answers } = await node.report()
  return answers.map(({ then }) => then)
}

function meet(restored: BrainGrid, ...nodes: FakeNode[]): void {
  for (const node of nodes) {
    node.meet(restored.brain)
    node.attach()
  }
}

test('of two placements of a task that the restored database does not know, the older is stopped, whoever speaks first', async () => {
  const { folder, older, newer, restoredAt } = await twicePlaced()
  for (const order of [
    [older, newer],
    [newer, older],
  ]) {
    const restored = await restoredAt(`${folder}-${order[0]?.name}`)
    meet(restored, ...order)
    for (const node of [...order, ...order]) await node.report()
    expect(await told(older)).toEqual(['stop'])
    expect(await told(newer)).toEqual(['keep'])
    const { unknownRuns } = await restored.ok('showNode', operator, { params: { node: 'n1' } })
    expect(unknownRuns).toMatchObject([{ detail: 'epoch 2 of it is on n2; told to stop' }])
  }
})

test('of two such placements the older is kept while nobody hears the node of the newer: it may be the only one that lives', async () => {
  const { folder, older, newer, restoredAt } = await twicePlaced()
  const restored = await restoredAt(`${folder}-2`)
  meet(restored, newer)
  expect(await told(newer)).toEqual(['keep'])
  await restored.pass(400_000)
  expect(restored.brain.state.nodes.get('n2')?.state).toBe('lost')
  meet(restored, older)
  expect(await told(older)).toEqual(['keep'])
  // Heard again, the newer one is kept, and the older one is told to stop.
  for (const node of [newer, older, newer]) await node.report()
  expect(await told(newer)).toEqual(['keep'])
  expect(await told(older)).toEqual(['stop'])
})

test('of two placements of such a task on one node both are shown, and the older is stopped', async () => {
  const { folder, grid, node, lost, file } = await gridWithBackup()
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  const task = `${lost}.1`
  const { order, report } = node.of(task)
  const newer = { order: { ...order, epoch: 2 }, report: { ...structuredClone(report), epoch: 2 } }
  node.held.set(`${task}@2`, newer)
  meet(restored, node)
  // The older one is read first: it is asked for again.
  for (let nth = 0; nth < 2; nth += 1) await node.report()
  const { answers } = await node.report(true)
  const ofTask = answers.filter((answer) => answer.task === task)
  expect(ofTask.map(({ epoch, then }) => [epoch, then])).toEqual([
    [1, 'stop'],
    [2, 'keep'],
  ])
  const shown = () => restored.ok('showNode', operator, { params: { node: 'n1' } })
  // Of four: the bot, and both.
  expect(await shown()).toMatchObject({
    slotsUsed: 3,
    unknownRuns: [
      { task, epoch: 1 },
      { task, epoch: 2 },
    ],
  })
  report.phase = { kind: 'ended', cause: { kind: 'signal', signal: 'SIGTERM' } }
  await node.report()
  expect(await shown()).toMatchObject({ slotsUsed: 2, unknownRuns: [{ task, epoch: 2 }] })
})

/** A restored database, and a node that runs a job which it does not know. */
async function unknownRun() {
  const { folder, grid, node, known, lost, file } = await gridWithBackup()
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  meet(restored, node)
  await node.report(true)
  await restored.quiet()
  const ask = (caller: Caller, job: string | number, more: object = {}) =>
    restored.ok('stopJobs', caller, { body: { jobs: [String(job)], ...more } })
  const shown = () => restored.ok('showNode', operator, { params: { node: 'n1' } })
  const answersTo = async (task: string, full = false) => {
    const { answers } = await node.report(full)
    return answers.filter((answer) => answer.task === task).map(({ then }) => then)
  }
  return { restored, node, known, lost, ask, shown, answersTo, task: `${lost}.1` }
}

test('an operator stops what a restored database does not know: with the next report, and also by a scheduler started since', async () => {
  const { restored, node, known, lost, ask, shown, answersTo, task } = await unknownRun()
  expect(await ask(anna, task)).toMatchObject({
    done: [],
    refused: [{ ref: task, code: 'forbidden' }],
  })
  expect(await ask(operator, task, { dryRun: true })).toMatchObject({ done: [{ job: lost }] })
  expect(await answersTo(task, true)).toEqual(['keep'])
  expect(await ask(operator, task, { why: 'is lost' })).toEqual({
    done: [{ job: lost, task: 1, name: '', detail: 'stopping what nobody knows on n1' }],
    refused: [],
  })
  const detail = `told to stop by ${operator.owner}: is lost`
  expect((await shown()).unknownRuns).toMatchObject([{ task, detail }])
  await restored.reopen()
  meet(restored, node)
  expect(await answersTo(task, true)).toEqual(['stop'])
  expect((await shown()).unknownRuns).toMatchObject([{ task, detail }])
  expect(await answersTo(`${known}.1`, true)).toEqual(['keep'])
  node.end(task, { kind: 'signal', signal: 'SIGTERM' })
  expect(await answersTo(task)).toEqual(['forget'])
  expect(await shown()).toMatchObject({ slotsUsed: 1, unknownRuns: [] })
  expect(restored.brain.state.nodes.get('n1')?.unwanted).toEqual([])
  expect((await ask(operator, lost)).refused).toMatchObject([{ code: 'not-found' }])
  const { entries } = await restored.ok('listAudit', operator, { query: { job: lost } })
  expect(entries[0]).toMatchObject({ what: 'stop', about: `job ${task}`, job: lost, owner: null })
  expect(entries).toHaveLength(1)
})

test('what is asked to stop while its node is not heard is told when that speaks, and nothing else is', async () => {
  const { restored, node, lost, ask, answersTo, task } = await unknownRun()
  const { order, report } = node.of(task)
  const other = { ...order, task: `${lost}.2` }
  node.held.set(`${lost}.2@1`, { order: other, report: { ...report, task: `${lost}.2` } })
  await node.report(true)
  await restored.pass(40_000)
  const [stopping] = (await ask(operator, task)).done
  expect(stopping?.detail).toBe('stopping what nobody knows on n1 (n1: when it reports again)')
  expect(await answersTo(task, true)).toEqual(['stop'])
  expect(await answersTo(`${lost}.2`, true)).toEqual(['keep'])
  // By its number the whole job is meant.
  expect((await ask(operator, lost)).done).toMatchObject([{ job: lost, task: null }])
  await node.report()
  expect(await answersTo(`${lost}.2`)).toEqual(['stop'])
})

test('a run without a record, of a job that the restored database does not know, is stopped by an operator too', async () => {
  const { node, ask, shown, answersTo, task } = await unknownRun()
  node.held.delete(`${task}@1`)
  node.oddities = [{ key: `${task}.1.1`, detail: 'no record', populated: true }]
  expect(await answersTo(task, true)).toEqual([])
  await ask(operator, task)
  expect(await answersTo(task)).toEqual(['stop'])
  expect((await shown()).unknownRuns).toMatchObject([
    { task: `${task}.1.1`, epoch: 1, detail: `no record; told to stop by ${operator.owner}` },
  ])
})
