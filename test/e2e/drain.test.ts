/** Draining real nodes: continuous jobs move, one-offs may finish, what does not fit stays and says why. */
import { spawn } from 'node:child_process'

import { afterAll, beforeAll, expect, test } from 'vitest'

import type { DrainView } from '../../proto/node.ts'
import { egPath, isAlive, TestGrid } from '../support/grid.ts'
import { botLog, singleCopyBot } from '../support/single-copy.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid

beforeAll(async () => {
  grid = await TestGrid.start({ nodes: 2, slots: 2 })
})
afterAll(() => grid.end())

const drainOf = async (node: string): Promise<DrainView> => {
  const { drain } = await grid.node(node)
  if (drain === null) throw new Error(`${node} is not being drained`)
  return drain
}
const drained = (node: string) =>
  until(async () => (await drainOf(node)).state === 'drained', { what: `the drain of ${node}` })
const at = (node: string) => ['--where', `node=${node}`]
const other = (node: string) => (node === 'node1' ? 'node2' : 'node1')

test('a bot moves, a one-off finishes first, and done means that nothing is left', async () => {
  const bot = await grid.submit('--continuous', '--name', 'bot', '--', ...singleCopyBot(grid.work))
  const before = await grid.running(bot)
  const here = before.node
  const waits = ['sh', '-c', 'while [ ! -e go ]; do sleep 0.05; done']
  const task = await grid.submit(...at(here), '--name', 'one', '--', ...waits)
  await grid.running(task)

  const plan = await grid.json<DrainView>('node', 'drain', here, '--dry-run')
  expect(plan).toMatchObject({ state: 'planned', left: 2 })
  expect(plan.steps.find(({ name }) => name === 'bot')).toMatchObject({ to: other(here) })
  expect((await grid.node(here)).drain).toBeNull()

  const watching = spawn(egPath, ['node', 'drain', here, '--reason', 'new disk', '--watch'], {
    env: grid.env,
  })
  let shown = ''
  watching.stdout.on('data', (part: Buffer) => (shown += part.toString()))
  const ended = new Promise((resolve) => watching.once('close', resolve))
  const after = await grid.running(bot, before.number)
  expect(after.node).toBe(other(here))
  expect(isAlive(before.pid)).toBe(false)
  expect(await drainOf(here)).toMatchObject({ state: 'draining', left: 1, reason: 'new disk' })
  // The plan survives the scheduler.
  process.kill(grid.pidOf('scheduler'), 'SIGKILL')
  await grid.ok('submit', ...at(other(here)), '--wait', '--', 'touch', 'go')
  expect((await grid.finished(task)).outcome).toBe('succeeded')
  await drained(here)
  expect(await ended).toBe(0)
  expect(shown).toContain(`${here} is drained`)
  expect(botLog(grid.work)).toEqual({ starts: 2, doubles: 0 })

  const held = await grid.submit(...at(here), '--', 'true')
  expect(await grid.ok('explain', String(held))).toContain('drained')
  await grid.ok('node', 'undrain', here)
  expect((await grid.finished(held)).outcome).toBe('succeeded')
  expect((await grid.eg('node', 'undrain', here)).status).toBe(1)
  await grid.ok('stop', 'bot')
  await grid.finished(bot)
})

test('where no other node has room the job stays, and the drain says what is missing', async () => {
  const bot = await grid.submit(
    ...at('node1'),
    '--continuous',
    '--name',
    'b2',
    '--',
    'sleep',
    '1000',
  )
  const { pid } = await grid.running(bot)
  const view = await grid.json<DrainView>('node', 'drain', 'node1')
  expect(view.steps[0]).toMatchObject({ what: 'no-room' })
  expect(view.steps[0]?.detail).toContain('no other node has room')
  expect((await grid.running(bot)).pid).toBe(pid)
  await grid.ok('node', 'undrain', 'node1')
  expect((await grid.running(bot)).pid).toBe(pid)
  await grid.ok('stop', 'b2')
  await grid.finished(bot)
})

test('at the deadline one-offs start again elsewhere, are ended, or are waited for', async () => {
  const sleeper = () => grid.submit(...['--name', 'sleeper', '--', 'sleep', '1000'])
  await grid.ok('node', 'cordon', 'node2', '--reason', 'not now')
  const requeued = await sleeper()
  const first = await grid.running(requeued)
  expect(first.node).toBe('node1')
  await grid.ok('node', 'uncordon', 'node2')
  await grid.ok('node', 'drain', 'node1', '--deadline', '1s', '--then', 'requeue')
  expect((await grid.running(requeued, first.number)).node).toBe('node2')
  expect(isAlive(first.pid)).toBe(false)
  await drained('node1')
  await grid.ok('node', 'undrain', 'node1')

  const { pid } = await grid.running(requeued)
  await grid.ok('node', 'drain', 'node2', '--deadline', '1s', '--then', 'wait')
  const deadline = Date.parse((await drainOf('node2')).deadlineAt ?? '')
  await until(() => Date.now() > deadline + 500, { what: 'the deadline' })
  expect((await grid.running(requeued)).pid).toBe(pid)
  await grid.ok('node', 'drain', 'node2', '--deadline', '0s', '--then', 'kill')
  const over = await grid.finished(requeued)
  expect(over.outcome).not.toBe('succeeded')
  expect(over.tasks[0]).toMatchObject({ runs: [{}, { cause: { kind: 'drained', node: 'node2' } }] })
  await drained('node2')
  await grid.ok('node', 'undrain', 'node2')
})

test('as many move at once as --at-once says', async () => {
  await grid.ok('node', 'cordon', 'node2')
  const bots = await Promise.all(
    ['x', 'y'].map((name) => grid.submit('--continuous', '--name', name, '--', 'sleep', '1000')),
  )
  for (const bot of bots) await grid.running(bot)
  await grid.ok('node', 'uncordon', 'node2')
  const plan = await grid.json<DrainView>('node', 'drain', 'node1', '--at-once', '1', '--dry-run')
  expect(plan.steps.map(({ detail }) => detail)).toEqual([
    'moves to node2',
    'moves in its turn, 1 at once',
  ])
  await grid.ok('node', 'drain', 'node1', '--at-once', '1')
  await drained('node1')
  for (const bot of bots) expect((await grid.running(bot)).node).toBe('node2')
  await grid.ok('node', 'undrain', 'node1')
})
