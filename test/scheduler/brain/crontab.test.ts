/** Crontabs: replaced as a whole, and whatever was refused has changed nothing. */
import { expect, test } from 'vitest'

import { builtInLimits } from '../../../scheduler/core/quota.ts'
import { anna, bert, BrainGrid } from '../../support/brain.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const entry = (name: string, expression = '0 3 * * *', command = ['/bin/true']) => ({
  name,
  expression,
  job: { command, cwd: '/tmp' },
})
const body = (text: string, ...schedules: ReturnType<typeof entry>[]) => ({
  body: { text, schedules },
})
const names = async (grid: BrainGrid) =>
  (await grid.ok('listSchedules', anna, { query: {} })).schedules.map(({ name }) => name).sort()
const show = (grid: BrainGrid, name: string) =>
  grid.ok('showSchedule', anna, { params: { schedule: name }, query: {} })

test('its lines become schedules, and a second text changes only what differs', async () => {
  const grid = await BrainGrid.open()
  expect(await grid.ok('showCrontab', anna, {})).toEqual({ text: '', names: [] })
  const first = await grid.ok(
    'replaceCrontab',
    anna,
    body('one', entry('a'), entry('b'), entry('c')),
  )
  expect(first).toEqual({ added: ['a', 'b', 'c'], changed: [], removed: [], warnings: [] })
  const edit = { params: { schedule: 'a' }, query: {}, body: { overlap: 'queue' as const } }
  await grid.ok('editSchedule', anna, edit)

  const second = body('two', entry('d'), entry('b', '0 4 * * *'), entry('a'))
  expect(await grid.ok('replaceCrontab', anna, second)).toEqual({
    added: ['d'],
    changed: ['b'],
    removed: ['c'],
    warnings: [],
  })
  expect(await grid.ok('showCrontab', anna, {})).toEqual({ text: 'two', names: ['d', 'b', 'a'] })
  expect(await grid.ok('showCrontab', bert, {})).toEqual({ text: '', names: [] })
  expect(await names(grid)).toEqual(['a', 'b', 'd'])
  expect(await show(grid, 'a')).toMatchObject({ overlap: 'queue' })
  expect(await show(grid, 'b')).toMatchObject({ expression: '0 4 * * *' })
})

test('a job is what its line says, whole: what the line no longer says is gone', async () => {
  const grid = await BrainGrid.open()
  const job = { command: ['x'], cwd: '/tmp', env: { A: '1' }, memBytes: 2 ** 30 }
  await grid.ok('replaceCrontab', anna, { body: { text: '', schedules: [{ ...entry('a'), job }] } })
  await grid.ok('replaceCrontab', anna, body('', entry('a')))
  expect((await show(grid, 'a')).job).toEqual({ command: ['/bin/true'], cwd: '/tmp' })
})

test('what is refused changes nothing at all', async () => {
  const grid = await BrainGrid.open()
  await grid.ok('addSchedule', anna, { body: entry('mine') })
  await grid.ok('replaceCrontab', anna, body('good', entry('a'), entry('b')))
  const wrong: [string, ReturnType<typeof body>][] = [
    ['refused', body('bad', entry('c'), entry('a', '61 * * * *'))],
    ['name-taken', body('bad', entry('c'), entry('mine'))],
    ['invalid', body('bad', entry('c'), entry('c'))],
  ]
  for (const [code, input] of wrong)
    expect(await grid.refused('replaceCrontab', anna, input)).toBe(code)
  expect(await names(grid)).toEqual(['a', 'b', 'mine'])
  expect(await grid.ok('showCrontab', anna, {})).toEqual({ text: 'good', names: ['a', 'b'] })
  const high = { ...entry('a'), job: { ...entry('a').job, priority: 5 } }
  expect(
    await grid.refused('replaceCrontab', anna, { body: { text: '', schedules: [high] } }),
  ).toBe('forbidden')
})

test('the quota of schedules counts what the crontab would leave', async () => {
  const grid = await BrainGrid.open()
  const limit = (await grid.ok('showQuota', anna, { query: {} })).limits.find(
    (each) => each.limit === 'schedules',
  )?.value as number
  const many = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, at) => entry(`${prefix}${at}`))
  await grid.ok('replaceCrontab', anna, body('', ...many('a', limit)))
  await grid.ok('replaceCrontab', anna, body('', ...many('b', limit)))
  expect(await grid.refused('replaceCrontab', anna, body('', ...many('c', limit + 1)))).toBe(
    'over-quota',
  )
  expect(await names(grid)).toContain('b0')
})

test('who has more schedules than a lowered limit gives may still change them, and add none', async () => {
  const grid = await BrainGrid.open()
  await grid.ok('replaceCrontab', anna, body('', entry('a'), entry('b'), entry('c')))
  await grid.reopen({ quota: () => ({ ...builtInLimits, schedules: 1 }) })
  const other = body('', entry('a'), entry('b', '0 4 * * *'), entry('d'))
  expect(await grid.ok('replaceCrontab', anna, other)).toEqual({
    added: ['d'],
    changed: ['b'],
    removed: ['c'],
    warnings: [],
  })
  expect(await names(grid)).toEqual(['a', 'b', 'd'])
  const more = body('', entry('a'), entry('b'), entry('d'), entry('e'))
  expect(await grid.refused('replaceCrontab', anna, more)).toBe('over-quota')
})

test('it lives on in the database, and its schedules are removed by it alone', async () => {
  const grid = await BrainGrid.open()
  await grid.ok('replaceCrontab', anna, body('# kept\n', entry('a')))
  await grid.quiet()
  await grid.reopen()
  expect(await grid.ok('showCrontab', anna, {})).toEqual({ text: '# kept\n', names: ['a'] })
  const a = { params: { schedule: 'a' }, query: {} }
  expect(await grid.refused('removeSchedule', anna, a)).toBe('wrong-state')
  await grid.ok('replaceCrontab', anna, body(''))
  expect(await names(grid)).toEqual([])
  await grid.reopen()
  expect(await grid.ok('showCrontab', anna, {})).toEqual({ text: '', names: [] })
})

test('while the wall clock is doubted, it may be added to and not changed', async () => {
  const clock = new VirtualClock()
  const grid = await BrainGrid.open({ clock })
  await grid.ok('replaceCrontab', anna, body('', entry('a')))
  clock.stepWall(3_600_000)
  expect(await grid.refused('replaceCrontab', anna, body('', entry('a', '0 9 * * *')))).toBe(
    'wrong-state',
  )
  await grid.ok('replaceCrontab', anna, body('', entry('a'), entry('b')))
})

test('an entry that no node could run is taken, and warned of', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1')
  const wide = { ...entry('wide'), job: { command: ['x'], cwd: '/tmp', slots: 1000 } }
  const text = { body: { text: '', schedules: [entry('a'), wide] } }
  const { added, warnings } = await grid.ok('replaceCrontab', anna, text)
  expect(added).toEqual(['a', 'wide'])
  expect(warnings).toEqual([
    {
      schedule: 'wide',
      detail: expect.stringContaining('while that is so its due times are skipped'),
    },
  ])
})
