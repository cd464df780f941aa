/** The daemons apart, with the flags that others build on: one scheduler, several exec-nodes on one machine. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import { Daemons } from '../support/daemons.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { botLog, singleCopyBot } from '../support/single-copy.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
let daemons: Daemons

beforeAll(async () => {
  grid = await TestGrid.apart({ lease: '1,3,4,6' })
  daemons = new Daemons(grid)
})
afterAll(async () => {
  await daemons.end()
  await grid.end()
})

test('a scheduler and two exec-nodes serve; each writes its pid', async () => {
  expect(await daemons.scheduler()).toBe(`ready ${grid.url}`)
  await Promise.all([daemons.node('alpha'), daemons.node('beta')])
  await until(async () => (await grid.nodes()).filter(({ state }) => state === 'up').length === 2)
  expect(await grid.nodes()).toMatchObject([
    { name: 'alpha', slots: 2, memBytes: 2 * 2 ** 30 },
    { name: 'beta', slots: 2, memBytes: 2 * 2 ** 30 },
  ])
  const pids = [daemons.schedulerPid, daemons.nodePid('alpha'), daemons.nodePid('beta')]
  expect(pids.every(isAlive)).toBe(true)
})

test('while nobody listens, leases renew: a bot outlives a scheduler that is away for longer than they last', async () => {
  const bot = await grid.submit('--continuous', '--name', 'bot', '--', ...singleCopyBot(grid.work))
  const { pid } = await grid.running(bot)
  await daemons.leasesEnd()
  process.kill(daemons.schedulerPid, 'SIGKILL')
  const away = performance.now() + 8_000
  await until(() => performance.now() > away || !isAlive(pid), { everyMs: 200 })
  expect(isAlive(pid)).toBe(true)
  await daemons.scheduler()
  expect((await grid.running(bot)).pid).toBe(pid)
  expect(botLog(grid.work)).toEqual({ starts: 1, doubles: 0 })
})

test('silence renews nothing: with the scheduler frozen, the bot ends before it may run elsewhere', async () => {
  const bot = (await grid.jobs())[0]?.id ?? 0
  const before = await grid.running(bot)
  const scheduler = daemons.schedulerPid
  process.kill(scheduler, 'SIGSTOP')
  try {
    await until(() => !isAlive(before.pid), { what: 'the fence' })
  } finally {
    process.kill(scheduler, 'SIGCONT')
  }
  await grid.running(bot, before.number)
  expect(botLog(grid.work)).toMatchObject({ doubles: 0 })
})

test('a node that is gone: lost in words, then forgotten; one that reports can be neither', async () => {
  expect((await grid.eg('node', 'lost', '--confirmed', 'beta')).status).toBe(1)
  expect((await grid.eg('node', 'remove', 'beta')).status).toBe(1)
  const kept = await grid.submit('--where', 'node=beta', '--name', 'kept', '--', 'sleep', '1000')
  const run = await grid.running(kept)
  process.kill(daemons.nodePid('beta'), 'SIGKILL')
  await until(async () => (await grid.show(kept)).state === 'unreachable', { what: 'silence' })
  expect((await grid.eg('node', 'lost', 'beta')).status).toBe(2)
  expect((await grid.eg('node', 'remove', 'beta')).status).toBe(1)
  await grid.ok('node', 'lost', '--confirmed', '--reason', 'burnt', 'beta')
  await until(async () => (await grid.show(kept)).state !== 'unreachable', { what: 'its end' })
  await grid.eg('stop', 'kept')
  await grid.ok('node', 'remove', 'beta')
  expect((await grid.nodes()).map(({ name }) => name)).toEqual(['alpha'])
  // Not burnt after all: what a returning node still runs of old is stopped there.
  await daemons.node('beta')
  await until(() => !isAlive(run.pid), { what: 'the end of the old run' })
})
