/** Fair shares on a whole brain: whose turn it is, also after a restart, and how long a newcomer waits. */
import { expect, test } from 'vitest'

import { anna, bert, BrainGrid } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'

const hour = 3_600_000
const manager = { owner: 'root', rights: 'manager', from: 'test' } as const
const cora = { ...anna, owner: 'cora' }
const many = { array: { from: 1, to: 100_000, step: 1 } }

/** What runs there ends, one task after the other. */
async function endOne(grid: BrainGrid, node: FakeNode, task: string): Promise<void> {
  node.start(task)
  node.exit(task)
  await grid.turn(node)
}

test('the next slot that is free goes to a newcomer, however much another has waiting', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 4 })
  const hog = await grid.submit(many)
  await grid.tick()
  expect((await grid.show(hog)).counts).toMatchObject({ placed: 4, pending: 99_996 })
  await grid.clock.advance(60_000)
  const single = await grid.submit({}, bert)
  await grid.tick()
  expect(await grid.state(single)).toBe('pending')
  const { ahead } = await grid.ok('explainJob', bert, { params: { job: String(single) } })
  expect(ahead).toBe(0)
  await endOne(grid, node, `${hog}.1`)
  expect(await grid.state(single)).toBe('placed')
})

test('who used much of late waits for who did not, and a restart remembers', async () => {
  const grid = await BrainGrid.open({ settings: { shareHalfLifeMs: hour } })
  const node = await grid.node('n1', { slots: 2 })
  const long = await grid.submit({ slots: 2 })
  await grid.tick()
  node.start(`${long}.1`)
  await grid.pass(hour / 2, node)
  node.exit(`${long}.1`)
  await grid.turn(node)
  const before = await grid.ok('showShares', bert)
  expect(before).toMatchObject({ halfLifeMs: hour, slots: 2 })
  expect(before.owners).toEqual([
    {
      owner: 'anna',
      slots: 0,
      pending: 0,
      average: expect.closeTo(0.58, 1),
      share: expect.any(Number),
      debt: 0,
      group: null,
      weight: 1,
    },
  ])
  await grid.brain.stop()
  await grid.reopen()
  await grid.turn(node)
  const [again] = (await grid.ok('showShares', bert)).owners
  expect(again?.average).toBeCloseTo(before.owners[0]?.average ?? 0, 2)
  // Submitted later, but by one who has used nothing.
  const annas = await grid.submit({ slots: 2 }, anna)
  const berts = await grid.submit({ slots: 2 }, bert)
  await grid.tick()
  expect([await grid.state(annas), await grid.state(berts)]).toEqual(['pending', 'placed'])
  const { owners } = await grid.ok('showShares', bert)
  expect(owners.map(({ owner }) => owner)).toEqual(['anna', 'bert'])
  expect(owners[1]).toMatchObject({ slots: 2, pending: 0, share: expect.closeTo(2, 1) })
  expect((owners[0]?.debt ?? 0) + (owners[1]?.debt ?? 0)).toBeCloseTo(0, 6)
})

test('averages are written once a minute, and forgotten when they are used up', async () => {
  const grid = await BrainGrid.open({ settings: { shareHalfLifeMs: 60_000 } })
  const node = await grid.node('n1')
  const job = await grid.submit()
  const puts = () =>
    grid.commits.flat().filter((change) => 'put' in change && change.put === 'share')
  await grid.tick()
  node.start(`${job}.1`)
  await grid.pass(130_000, node)
  expect(puts().length).toBeGreaterThanOrEqual(2)
  expect(puts().length).toBeLessThanOrEqual(4)
  node.exit(`${job}.1`)
  await grid.pass(20 * 60_000, node)
  const rows = grid.commits.flat().filter((change) => 'drop' in change && change.drop === 'share')
  expect(rows).toEqual([{ drop: 'share', owner: 'anna' }])
  expect((await grid.ok('showShares', bert)).owners).toEqual([])
})

test('weights divide shares, are told, and outlast a restart; a group has one turn', async () => {
  const groupMembers = async (group: string) => (group === 'lab' ? ['bert', 'cora'] : [])
  const grid = await BrainGrid.open({ settings: { groupMembers } })
  const body = { owners: { anna: 3 }, groups: { lab: 1 }, halfLifeMs: hour }
  await grid.ok('setShares', manager, { body })
  await grid.brain.stop()
  await grid.reopen()
  await grid.node('n1', { slots: 16 })
  for (const by of [anna, bert, cora]) await grid.submit(many, by)
  await grid.tick()
  const shown = await grid.ok('showShares', bert)
  expect(shown).toMatchObject({ halfLifeMs: hour })
  expect(
    shown.owners.map(({ owner, group, weight, slots }) => [owner, group, weight, slots]),
  ).toEqual(
    expect.arrayContaining([
      ['anna', null, 3, 12],
      ['bert', 'lab', 1, 2],
      ['cora', 'lab', 1, 2],
    ]),
  )
  expect(shown.owners[0]).toMatchObject({ owner: 'anna', share: 4, debt: expect.closeTo(0, 6) })
  expect(shown.groups).toEqual([{ group: 'lab', weight: 1, share: 4, debt: expect.closeTo(0, 6) }])
  const usual = { owners: { anna: null }, groups: { lab: null }, halfLifeMs: null }
  const back = await grid.ok('setShares', manager, { body: usual })
  expect(back).toMatchObject({ halfLifeMs: 86_400_000, groups: [] })
  expect(back.owners.map(({ weight, group }) => [weight, group])).toEqual(
    Array.from({ length: 3 }, () => [1, null]),
  )
})

test('how many tasks go before one counts weights and groups', async () => {
  const groupMembers = async () => ['bert', 'cora']
  const grid = await BrainGrid.open({ settings: { groupMembers } })
  await grid.ok('setShares', manager, { body: { owners: { anna: 2 }, groups: { lab: 1 } } })
  await grid.node('n1', { slots: 4 })
  const first = await grid.submit({ slots: 4 }, anna)
  await grid.tick()
  expect(await grid.state(first)).toBe('placed')
  await grid.submit(many, bert)
  await grid.submit(many, cora)
  const second = await grid.submit({}, anna)
  // Two slots of both together: then what they hold weighs as much as the four of anna.
  const { ahead } = await grid.ok('explainJob', anna, { params: { job: String(second) } })
  expect(ahead).toBe(2)
})

test('what says nothing is refused', async () => {
  const grid = await BrainGrid.open()
  expect(await grid.refused('setShares', manager, { body: { why: 'x' } })).toBe('invalid')
})
