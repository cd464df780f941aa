/** A week without a scheduler, and a clock that runs wild: what becomes of each due time, once. */
import { expect, test } from 'vitest'

import { anna, BrainGrid } from '../../support/brain.ts'

const minute = 60_000
const day = 24 * 60 * minute
const policies = ['none', 'last', 'all'] as const
const job = { command: ['x'], cwd: '/' }

test('after a week of downtime each due time has one entry, and no herd starts', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 500 })
  const add = (name: string, expression: string, more = {}) =>
    grid.ok('addSchedule', anna, { body: { name, expression, tz: 'Europe/Berlin', job, ...more } })
  for (const catchUp of policies) {
    await add(`often-${catchUp}`, '*/10 * * * *', { catchUp, overlap: 'allow' })
    await add(`daily-${catchUp}`, '0 3 * * *', { catchUp })
  }
  await grid.pass(25 * minute, node)
  const before = grid.brain.state.jobs.size
  // Nothing runs meanwhile: the same machine, a week later.
  grid.clock.sleep(7 * day)
  await grid.reopen()
  node.attach()
  await grid.pass(8_000, node)

  const ledger = async (name: string) => {
    const shown = await grid.ok('showSchedule', anna, {
      params: { schedule: name },
      query: { limit: 500 },
    })
    const count = (outcome: string) =>
      shown.ledger
        .filter((entry) => entry.outcome === outcome)
        .reduce((sum, entry) => sum + entry.count, 0)
    return {
      ran: count('ran'),
      queued: count('queued'),
      missed: count('missed'),
      all: shown.ledger,
    }
  }
  const dues = 2 + 7 * 144
  expect(await ledger('often-none')).toMatchObject({ ran: 2, queued: 0, missed: dues - 2 })
  expect(await ledger('often-last')).toMatchObject({ ran: 3, queued: 0, missed: dues - 3 })
  // A hundred are caught up, as fast as the fuse lets them; the rest is told as missed, in one entry.
  const all = await ledger('often-all')
  expect(all).toMatchObject({ ran: 62, queued: 40, missed: dues - 102 })
  expect(all.all.filter(({ outcome }) => outcome === 'missed')).toHaveLength(1)
  expect(await ledger('daily-none')).toMatchObject({ ran: 0, missed: 7 })
  expect(await ledger('daily-last')).toMatchObject({ ran: 1, missed: 6 })
  expect(await ledger('daily-all')).toMatchObject({ ran: 1, queued: 6, missed: 0 })
  expect(grid.brain.state.jobs.size - before).toBe(1 + 60 + 1 + 1)
  // The fuse is told, and lets the rest go when its minute is over.
  const events = await grid.brain.eventsAfter(0, 10_000, null)
  const told = events.filter(({ what }) => what === 'schedule-fuse')
  expect(told.map(({ schedule }) => schedule)).toEqual(['often-all'])
  await grid.pass(3 * minute, node)
  expect(await ledger('often-all')).toMatchObject({ ran: 102, queued: 0 })
  // A start again finds nothing to catch up with.
  await grid.reopen()
  node.attach()
  await grid.pass(8_000, node)
  expect(await ledger('often-all')).toMatchObject({ ran: 102, queued: 0, missed: dues - 102 })
})

test('a clock that is pushed forward blows the fuse: the ledger has each due time, an event says so once', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 500 })
  const body = { name: 's', expression: '* * * * *', overlap: 'allow', job } as const
  await grid.ok('addSchedule', anna, { body })
  // Below what the guard calls a step.
  for (let push = 0; push < 5; push += 1) {
    await grid.pass(4_000, node)
    grid.clock.stepWall(56_000)
  }
  await grid.pass(4_000, node)
  const { ledger } = await grid.ok('showSchedule', anna, { params: { schedule: 's' } })
  const entries = ledger.toReversed().map(({ outcome, count }) => `${outcome} ${count}`)
  expect(entries).toEqual(['ran 1', 'ran 1', 'ran 1', 'skipped 2'])
  expect(ledger[0]?.why).toMatch(/^the fuse: 3 due times/)
  const events = await grid.brain.eventsAfter(0, 1_000, null)
  expect(events.filter(({ what }) => what === 'schedule-fuse')).toMatchObject([
    { schedule: 's', owner: 'anna' },
  ])
})
