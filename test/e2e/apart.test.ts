/** The daemons apart, with the flags that others build on: one scheduler, several exec-nodes on one machine. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

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

test('an exec-node that may not come in says why and ends, and was never ready', async () => {
  const secret = join(grid.folder, 'wrong-secret')
  writeFileSync(secret, 'a'.repeat(64), { mode: 0o600 })
  const start = (url: string) => {
    const place = ['--name', 'gamma', '--data', join(grid.data, 'gamma'), '--secret-file', secret]
    return daemons.start(['exec-node', '--scheduler', url, ...place])
  }
  await expect(start(grid.url)).rejects.toThrow(
    /ended with 1: [^]*eg: exec-node gamma could not start: the scheduler at \S+ refuses it: no valid node secret was shown/,
  )
  await expect(start('http://192.0.2.1:6444')).rejects.toThrow(
    /ended with 2: eg: --scheduler: \S+ is not on this machine.* --insecure-network/,
  )
  expect((await grid.nodes()).map(({ name }) => name)).toEqual(['alpha', 'beta'])
})

test('while nobody listens, leases renew: a bot outlives a scheduler that is away for longer than they last', async () => {
  const bot = await grid.submit('--continuous', '--name', 'bot', '--', ...singleCopyBot(grid.work))
  const { pid } = await grid.running(bot)
  await daemons.leasesEnd()
  process.kill(daemons.schedulerPid, 'SIGKILL')
  const away = performance.now() + 8_000
  await until(() => performance.now() > away || !isAlive(pid), { everyMs: 200 })
  expect(isAlive(pid)).toBe(true)
  const agent = daemons.nodePid('beta')
  process.kill(agent)
  await until(() => !isAlive(agent), { what: 'the agent ends' })
  const told = daemons.log.length
  const ready = { at: 0 }
  const again = daemons.node('beta').then(() => (ready.at = performance.now()))
  await until(() => daemons.log.includes('nothing listens there', told), { what: 'a sentence' })
  expect(daemons.log.slice(told)).toContain(`eg: waiting for the scheduler at ${grid.url}: `)
  expect(ready.at).toBe(0)
  await daemons.scheduler()
  await again
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
  // Its machine made anew waits for the name.
  const told = daemons.log.length
  const place = ['--name', 'beta', '--data', join(grid.data, 'anew')]
  const anew = daemons.start(['exec-node', '--scheduler', grid.url, ...place])
  await until(() => daemons.log.includes('refuses this node', told), { what: 'a sentence' })
  expect(daemons.log.slice(told)).toMatch(
    /which tries again: .*`eg node lost --confirmed beta`, then `eg node uncordon beta`\n/,
  )
  await grid.ok('node', 'lost', '--confirmed', '--reason', 'burnt', 'beta')
  await until(async () => (await grid.show(kept)).state !== 'unreachable', { what: 'its end' })
  await grid.eg('stop', 'kept')
  expect(await anew).toBe('ready beta')
  process.kill(daemons.pidIn('anew/exec-node.pid'))
  const remove = async () => (await grid.eg('node', 'remove', 'beta')).status
  await until(async () => (await remove()) === 0, { what: 'silence of the new one' })
  expect((await grid.nodes()).map(({ name }) => name)).toEqual(['alpha'])
  // Not burnt after all: what a returning node still runs of old is stopped there.
  await daemons.node('beta')
  await until(() => !isAlive(run.pid), { what: 'the end of the old run' })
})
