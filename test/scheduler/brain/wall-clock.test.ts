/** A wall clock that steps: schedules wait, people see it, and an operator may let them go on. */
import { expect, test } from 'vitest'

import { anna, BrainGrid, operator } from '../../support/brain.ts'

const minute = 60_000

async function stepped(ms: number): Promise<BrainGrid> {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = { command: ['x'], cwd: '/' }
  await grid.ok('addSchedule', anna, { body: { name: 's', expression: '* * * * *', job } })
  await grid.pass(90_000, node)
  grid.clock.stepWall(ms)
  await grid.pass(2 * minute, node)
  return grid
}
const firings = async (grid: BrainGrid) =>
  (await grid.ok('showSchedule', anna, { params: { schedule: 's' } })).ledger.toReversed()

test('nothing fires after a step, and the clock says why and for how long', async () => {
  for (const ms of [60 * minute, -60 * minute]) {
    const grid = await stepped(ms)
    expect((await firings(grid)).map(({ outcome }) => outcome)).toEqual(['ran'])
    const { held } = await grid.ok('showClock', anna)
    expect(held?.steppedByMs).toBe(ms)
    expect(held?.leftMs).toBeGreaterThan(7 * minute)
    expect(held?.leftMs).toBeLessThan(9 * minute)
  }
})

test('confirmed, what was due meanwhile is in the ledger and what is due now fires', async () => {
  const grid = await stepped(60 * minute)
  const confirmed = await grid.ok('confirmClock', operator)
  expect(confirmed).toMatchObject({ held: null })
  await grid.tick()
  const [, missed, now] = await firings(grid)
  expect(missed).toMatchObject({ outcome: 'missed', count: 61 })
  expect(now).toMatchObject({
    outcome: 'skipped',
    why: expect.stringContaining('is live') as string,
  })
  expect(await grid.refused('confirmClock', operator)).toBe('wrong-state')
})

test('however many due times have fired ahead of a clock that is set back, none fires again', async () => {
  const grid = await stepped(3 * 24 * 60 * minute)
  await grid.ok('confirmClock', operator)
  await grid.tick()
  const now = grid.clock.now()
  const ahead = Array.from({ length: 1_200 }, (_, nth) => (Math.floor(now / minute) + nth) * minute)
  const rest = { until: null, count: 1, jobId: 1, manual: false, why: 'due', at: now } as const
  const owner = anna.owner
  await grid.store.commit(
    ahead.map((dueAt) => ({
      put: 'firing',
      row: { owner, schedule: 's', dueAt, outcome: 'ran', ...rest },
    })),
  )
  grid.clock.stepWall(-3 * 24 * 60 * minute)
  await grid.ok('confirmClock', operator)
  await grid.pass(2 * minute)
  const [schedule] = grid.brain.state.schedules.values()
  expect(schedule?.firedAhead.slice(-1_200)).toEqual(ahead)
})

test('what fired keeps its entry and fires once, however often the clock goes back before it', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1')
  const job = { command: ['/bin/true'], cwd: '/tmp' }
  const policies = { overlap: 'allow', catchUp: 'all' } as const
  const body = { name: 's', expression: '*/5 * * * *', ...policies, job }
  await grid.ok('addSchedule', anna, { body })
  await grid.pass(6 * minute)
  const ran = (await firings(grid)).findLast(({ outcome }) => outcome === 'ran')
  expect(ran?.jobId).toEqual(expect.any(Number))
  for (const ms of [-20 * minute, -20 * minute, 60 * minute]) {
    grid.clock.stepWall(ms)
    await grid.ok('confirmClock', operator)
    await grid.pass(2_000)
  }
  const entries = (await firings(grid)).filter(({ dueAt }) => dueAt === ran?.dueAt)
  expect(entries).toEqual([ran])
})

test('while schedules wait nothing that would judge their due times is changed', async () => {
  const grid = await stepped(60 * minute)
  const params = { schedule: 's' }
  const query = {}
  for (const refused of [
    grid.refused('editSchedule', anna, { params, query, body: { catchUp: 'all' } }),
    grid.refused('pauseSchedule', anna, { params, query, body: {} }),
  ])
    expect(await refused).toBe('wrong-state')
  expect(await firings(grid)).toHaveLength(1)
  await grid.ok('confirmClock', operator)
  await grid.ok('pauseSchedule', anna, { params, query, body: {} })
  grid.clock.stepWall(60 * minute)
  // Also before any tick has seen the step.
  expect(await grid.refused('resumeSchedule', anna, { params, query })).toBe('wrong-state')
  await grid.tick()
  expect(await grid.refused('resumeSchedule', anna, { params, query })).toBe('wrong-state')
  await grid.ok('removeSchedule', anna, { params, query })
})

test('a steady clock needs no word', async () => {
  const grid = await stepped(4 * minute)
  expect((await grid.ok('showClock', anna)).held).toBeNull()
  expect(await grid.refused('confirmClock', operator)).toBe('wrong-state')
  expect((await firings(grid)).length).toBeGreaterThan(1)
})

test('a step that no tick has seen yet is shown, and can be confirmed', async () => {
  const grid = await stepped(0)
  grid.clock.stepWall(60 * minute)
  expect((await grid.ok('showClock', anna)).held).toEqual({
    steppedByMs: 60 * minute,
    leftMs: 10 * minute,
  })
  expect(await grid.ok('confirmClock', operator)).toMatchObject({ held: null })
})
