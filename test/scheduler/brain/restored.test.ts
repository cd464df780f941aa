/** A start on a backup is ahead of all that was given out since, before any node has spoken: the mark says so. */
import { copyFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { expect, test } from 'vitest'

import type { Caller } from '../../../scheduler/brain/call.ts'
import { defaultLease } from '../../../scheduler/core/lease.ts'
import { backUp } from '../../../scheduler/store/backup.ts'
import { openEngine } from '../../../scheduler/store/engine.ts'
import { prepareDataFolder } from '../../../scheduler/store/open.ts'
import { restore } from '../../../scheduler/store/restore.ts'
import { anna, BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'
import { bot, gridWithBackup, meet, openAt, schema, twicePlaced } from '../../support/restored.ts'
import { databasePath } from '../store/place.ts'

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

test('a node that has not spoken since is not removed before its loss is confirmed: what waits may run there', async () => {
  const { folder, grid, file } = await gridWithBackup()
  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  const gone = { params: { node: 'n0' } }
  const early = await restored.call('removeNode', operator, gone)
  expect(early).toMatchObject({ ok: false, refusal: { code: 'wrong-state' } })
  await restored.ok('loseNode', operator, { ...gone, body: { confirmed: true } })
  await restored.ok('removeNode', operator, gone)
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

test('what has ended since, and its node still tells of, does not run a second time', async () => {
  const folder = join(dirname(databasePath()), 'scheduler')
  const grid = await openAt(folder)
  const [once, failing] = [
    await grid.submit({ name: 'once' }),
    await grid.submit({ name: 'fails' }),
  ]
  const file = join(dirname(folder), 'copy')
  backUp({ folder, file, overwrite: false, version: '1', now: grid.clock.now(), schema })
  const node = await grid.node('n1')
  await grid.turn(node)
  for (const job of [once, failing]) node.start(`${job}.1`)
  await grid.turn(node)
  node.exit(`${once}.1`)
  node.exit(`${failing}.1`, 3)

  restore({ folder: `${folder}-2`, file, overwrite: false, now: grid.clock.now(), schema })
  const restored = await openAt(`${folder}-2`, grid.clock)
  meet(restored, node)
  await node.report(true)
  await restored.pass(1_000_000, node)
  expect(await restored.show(once)).toMatchObject({ state: 'finished', outcome: 'succeeded' })
  expect(await restored.show(failing)).toMatchObject({ state: 'finished', outcome: 'failed' })
  expect([...node.held.keys()]).toEqual([])
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

/** What a node is told of all that it has, when it reports. */
async function told(node: FakeNode): Promise<string[]> {
  const { answers } = await node.report()
  return answers.map(({ then }) => then)
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

test('of two placements of a task that the restored database knows, the newer is taken up, and the older told to stop though it has no news', async () => {
  const { folder, older, newer, restoredAt } = await twicePlaced('the job')
  const restored = await restoredAt(`${folder}-2`)
  meet(restored, older, newer)
  expect(await told(older)).toEqual(['keep'])
  expect(await told(newer)).toEqual(['keep'])
  // A node that has nothing new says nothing of its placements, unless it is asked.
  const { wantFull } = await older.deliver({ ...older.build(false), placements: [] })
  expect(wantFull).toBe(true)
  expect(await told(older)).toEqual(['stop'])
  const { slotsUsed } = await restored.ok('showNode', operator, { params: { node: 'n1' } })
  expect(slotsUsed).toBe(1)
})
