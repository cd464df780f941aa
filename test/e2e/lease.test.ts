/** Leases on real processes: cut off nodes give up their bots before they start elsewhere; a halted scheduler stops nobody. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { isAlive, TestGrid } from '../support/grid.ts'
import { botLog, singleCopyBot } from '../support/single-copy.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
let bot: number

beforeAll(async () => {
  grid = await TestGrid.start({ nodes: 2, lease: '1,3,4,6' })
  bot = await grid.submit('--continuous', '--name', 'bot', '--', ...singleCopyBot(grid.work))
  await grid.running(bot)
})
afterAll(() => grid.end())

/** Two nodes: both must hold a lease with an end before it can run out. */
const leasesEnd = () =>
  until(async () => (await grid.nodes()).every(({ lease }) => lease.includes('over in')), {
    what: 'leases with an end',
  })

const agentOf = (node: string) => grid.pidOf(node as `node${number}`)

test('a frozen agent: its bot is fenced, runs elsewhere after the lease, never twice; a keep job is found again', async () => {
  await leasesEnd()
  const first = await grid.running(bot)
  const where = ['--where', `node=${first.node}`]
  const kept = await grid.submit(...where, '--name', 'kept', '--', 'sleep', '1000')
  const before = await grid.running(kept)
  const agent = agentOf(first.node)
  process.kill(agent, 'SIGSTOP')
  try {
    await until(async () => (await grid.show(bot)).state === 'unreachable', { what: 'silence' })
    const second = await grid.running(bot, first.number)
    expect(second.node).not.toBe(first.node)
    expect(isAlive(first.pid)).toBe(false)
    expect((await grid.show(kept)).state).toBe('unreachable')
    expect(isAlive(before.pid)).toBe(true)
  } finally {
    process.kill(agent, 'SIGCONT')
  }
  expect(await grid.running(kept)).toMatchObject({ pid: before.pid, number: 1 })
  const [run] = (await grid.show(bot)).tasks.flatMap((task) => ('runs' in task ? task.runs : []))
  expect(run?.cause).toMatchObject({ kind: 'lease-expired' })
  expect(botLog(grid.work)).toEqual({ starts: 2, doubles: 0 })
  await grid.ok('stop', 'kept')
  await grid.finished(kept)
}, 60_000)
