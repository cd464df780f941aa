/** The daemons apart, with the flags that others build on: one scheduler, several exec-nodes on one machine. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { isRoot } from '../support/as-user.ts'
import { egPath, isAlive, TestGrid } from '../support/grid.ts'
import { botLog, singleCopyBot } from '../support/single-copy.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
const started: ChildProcess[] = []

beforeAll(async () => {
  grid = await TestGrid.apart({ lease: '1,3,4,6' })
})
afterAll(async () => {
  await grid.eg('stop', '--all', '--yes')
  await until(async () => (await grid.jobs()).length === 0, { what: 'the end of all jobs' })
  for (const daemon of started.reverse()) daemon.kill('SIGTERM')
  await until(() => started.every(({ exitCode }) => exitCode !== null), { what: 'the daemons end' })
  await grid.end()
})

/** Started as a person would; resolves with the line that it prints when it is up. */
function start(...args: string[]): Promise<string> {
  const daemon = spawn(egPath, args, { stdio: ['ignore', 'pipe', 'ignore'], env: grid.env })
  started.push(daemon)
  return new Promise((resolve, reject) => {
    let text = ''
    daemon.stdout.on('data', (part: Buffer) => {
      text += part.toString()
      const line = /^ready .*$/m.exec(text)
      if (line) resolve(line[0])
    })
    daemon.once('exit', (code) => reject(new Error(`eg ${args.join(' ')} ended with ${code}`)))
  })
}

const startScheduler = () => {
  const rules = isRoot ? ['--allow-root-jobs'] : []
  const port = new URL(grid.url).port
  return start('scheduler', '--data', join(grid.data, 'scheduler'), '--port', port, ...rules)
}

const startNode = (name: string) => {
  const data = join(grid.data, name)
  const room = ['--slots', '2', '--mem', '2G']
  return start('exec-node', '--scheduler', grid.url, '--name', name, '--data', data, ...room)
}

const pidIn = (path: string) => Number(readFileSync(join(grid.data, path), 'utf8'))

test('a scheduler and two exec-nodes serve; each writes its pid', async () => {
  mkdirSync(grid.data, { recursive: true })
  expect(await startScheduler()).toBe(`ready ${grid.url}`)
  await Promise.all([startNode('alpha'), startNode('beta')])
  await until(async () => (await grid.nodes()).filter(({ state }) => state === 'up').length === 2)
  expect(await grid.nodes()).toMatchObject([
    { name: 'alpha', slots: 2, memBytes: 2 * 2 ** 30 },
    { name: 'beta', slots: 2, memBytes: 2 * 2 ** 30 },
  ])
  const pids = ['scheduler/scheduler.pid', 'alpha/exec-node.pid', 'beta/exec-node.pid'].map(pidIn)
  expect(pids.every(isAlive)).toBe(true)
})

test('while nobody listens, leases renew: a bot outlives a scheduler that is away for longer than they last', async () => {
  const bot = await grid.submit('--continuous', '--name', 'bot', '--', ...singleCopyBot(grid.work))
  const { pid } = await grid.running(bot)
  await until(async () => (await grid.nodes()).every(({ lease }) => lease.includes('over in')), {
    what: 'leases with an end',
  })
  process.kill(pidIn('scheduler/scheduler.pid'), 'SIGKILL')
  const away = performance.now() + 8_000
  await until(() => performance.now() > away || !isAlive(pid), { everyMs: 200 })
  expect(isAlive(pid)).toBe(true)
  await startScheduler()
  expect((await grid.running(bot)).pid).toBe(pid)
  expect(botLog(grid.work)).toEqual({ starts: 1, doubles: 0 })
})

test('silence renews nothing: with the scheduler frozen, the bot ends before it may run elsewhere', async () => {
  const bot = (await grid.jobs())[0]?.id ?? 0
  const before = await grid.running(bot)
  const scheduler = pidIn('scheduler/scheduler.pid')
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
  process.kill(pidIn('beta/exec-node.pid'), 'SIGKILL')
  await until(async () => (await grid.show(kept)).state === 'unreachable', { what: 'silence' })
  expect((await grid.eg('node', 'lost', 'beta')).status).toBe(2)
  expect((await grid.eg('node', 'remove', 'beta')).status).toBe(1)
  await grid.ok('node', 'lost', '--confirmed', '--reason', 'burnt', 'beta')
  await until(async () => (await grid.show(kept)).state !== 'unreachable', { what: 'its end' })
  await grid.eg('stop', 'kept')
  await grid.ok('node', 'remove', 'beta')
  expect((await grid.nodes()).map(({ name }) => name)).toEqual(['alpha'])
  // Not burnt after all: what a returning node still runs of old is stopped there.
  await startNode('beta')
  await until(() => !isAlive(run.pid), { what: 'the end of the old run' })
})
