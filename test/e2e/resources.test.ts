/** Named resources on a real grid: what is not there is waited for, seen, and had as soon as it is given back. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ResourceDetail } from '../../proto/named-resource.ts'
import { TestGrid } from '../support/grid.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ slots: 4 })
})
afterAll(() => grid.end())

const waitsFor = (file: string) => ['--', 'sh', '-c', `while [ ! -e ${file} ]; do sleep 0.05; done`]
const shown = (name: string) => grid.json<ResourceDetail>('resource', 'show', name)

test('a lock is held by one job, the next one says whom it waits for, and starts when it is given back', async () => {
  expect(await grid.ok('resource', 'set', 'lock=1')).toMatch(/lock +grid +1 +0 +1/)
  const first = await grid.submit('--resource', 'lock', ...waitsFor('go'))
  const { node } = await grid.running(first)
  const second = await grid.submit('--resource', 'lock=1', '--', 'true')
  // Nobody else waits for it.
  expect((await grid.finished(await grid.submit('--', 'true'))).outcome).toBe('succeeded')
  expect(await grid.ok('explain', String(second))).toMatch(
    new RegExp(
      `asks for 1 of resource "lock": 0 of 1 are free; held by job ${first} of \\w+ \\(1\\)`,
    ),
  )
  const { holders, waiters, free } = await shown('lock')
  expect(free).toBe(0)
  expect(holders).toMatchObject([{ job: first, node, amount: 1, task: null }])
  expect(Date.parse(holders[0]?.since ?? '')).toBeLessThanOrEqual(Date.now())
  expect(waiters).toMatchObject([{ job: second, amount: 1, tasks: 1 }])
  // What is held is told by what runs: a scheduler that starts again knows it.
  process.kill(grid.pidOf('scheduler'), 'SIGKILL')
  expect((await shown('lock')).holders).toEqual(holders)
  expect((await grid.show(second)).state).toBe('pending')
  await grid.ok('submit', '--wait', '--', 'touch', 'go')
  expect((await grid.finished(second)).outcome).toBe('succeeded')
  expect(await shown('lock')).toMatchObject({ taken: 0, free: 1, holders: [], waiters: [] })
})

test('what nobody defined, and more than there is, is refused with what to do', async () => {
  await grid.ok('resource', 'set', 'licences=2')
  const unknown = await grid.eg('submit', '--resource', 'licenses', '--', 'true')
  expect(unknown.stderr).toMatch(/there is no resource "licenses"[^]*resources here: .*licences/)
  const tooMuch = await grid.eg('submit', '--resource', 'licences=3', '--', 'true')
  expect(tooMuch.stderr).toMatch(/asks for 3 of resource "licences", and there are 2[^]*ask for 2/)
  expect([unknown.status, tooMuch.status]).not.toContain(0)
  await grid.ok('resource', 'remove', 'licences')
  expect(await grid.ok('resources')).not.toContain('licences')
})
