/** Where a job may run: labels that a node was started with, labels that it has by itself, and queues. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { Daemons } from '../support/daemons.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
let daemons: Daemons

beforeAll(async () => {
  grid = await TestGrid.apart()
  daemons = new Daemons(grid)
  await daemons.scheduler()
  await Promise.all([
    daemons.node('fast', '--label', 'disk=ssd', '--label', 'rack=a'),
    daemons.node('slow', '--label', 'disk=rust', '--label', 'rack=a', '--label', 'boot=ro=1'),
  ])
  await daemons.up(2)
})
afterAll(async () => {
  await daemons?.end()
  await grid.end()
})

const where = (...labels: string[]) => labels.flatMap((label) => ['--where', label])
/** Node on which it ran. */
const ranOn = async (...options: string[]): Promise<string | null> => {
  const over = await grid.finished(await grid.submit(...options, '--', 'true'))
  expect(over.outcome).toBe('succeeded')
  return over.tasks[0] && 'runs' in over.tasks[0] ? (over.tasks[0].runs?.[0]?.node ?? null) : null
}

test('a job runs where its labels are, and a label is all that stands after the first =', async () => {
  expect((await grid.node('slow')).labels).toMatchObject({ disk: 'rust', rack: 'a', boot: 'ro=1' })
  expect(await grid.ok('node', 'show', 'fast')).toMatch(/labels:.* disk=ssd/)
  const own = [`hostname=${hostname()}`, `arch=${process.arch}`, 'os=linux', 'node=slow']
  const asked = [['disk=ssd'], ['disk=rust', 'rack=a'], ['disk=ssd', 'rack=a'], ['boot=ro=1'], own]
  const nodes = await Promise.all(asked.map((labels) => ranOn(...where(...labels))))
  expect(nodes).toEqual(['fast', 'slow', 'fast', 'slow', 'slow'])
})

test('it waits for such a node while another is free, and says so', async () => {
  await grid.ok('node', 'cordon', 'fast', '--reason', 'new disk')
  const bot = await grid.submit(
    ...where('disk=ssd'),
    '--continuous',
    '--name',
    'b',
    '--',
    'sleep',
    '999',
  )
  const why = await grid.ok('explain', String(bot))
  expect(why).toContain('1 node (slow) without disk=ssd')
  expect(why).toContain('new disk')
  await grid.ok('node', 'uncordon', 'fast')
  expect((await grid.running(bot)).node).toBe('fast')
  const plan = await grid.ok('node', 'drain', 'fast', '--dry-run')
  expect(plan).toContain('without disk=ssd')
  await grid.ok('stop', '--wait', 'b')
})

test('labels that no node has together are refused, with what there is', async () => {
  const none = await grid.eg('submit', ...where('disk=tape'), '--', 'true')
  expect(none.status).toBe(1)
  expect(none.stderr).toContain('disk=rust, disk=ssd')
  const both = await grid.eg('submit', ...where('disk=ssd', 'boot=ro=1'), '--', 'true')
  expect(both.status).toBe(1)
})

test('a node started again with other labels takes what asks for these', async () => {
  const waits = await grid.submit(...where('disk=rust'), '--hold', '--', 'true')
  const pid = Number(readFileSync(join(grid.data, 'slow', 'exec-node.pid'), 'utf8'))
  process.kill(pid, 'SIGTERM')
  await until(() => !isAlive(pid), { what: 'the end of the exec-node' })
  await daemons.node('slow', '--label', 'disk=ssd')
  await until(async () => (await grid.node('slow')).labels['disk'] === 'ssd', { what: 'its word' })
  expect((await grid.node('slow')).labels).not.toHaveProperty('rack')
  expect(await ranOn(...where('disk=ssd', 'node=slow'))).toBe('slow')
  await grid.ok('release', String(waits))
  expect(await grid.ok('explain', String(waits))).toContain('no node has disk=rust')
  await grid.ok('stop', String(waits))
})

test('a queue that takes the kind is accepted, named or not, and shown', async () => {
  const named = await grid.submit('--queue', 'task', '--', 'true')
  const unnamed = await grid.submit('--', 'true')
  for (const job of [named, unnamed]) {
    expect(await grid.finished(job)).toMatchObject({
      outcome: 'succeeded',
      spec: { queue: 'task' },
    })
    expect(await grid.ok('show', String(job))).toMatch(/queue: +task/)
  }
  const bot = ['--continuous', '--queue', 'continuous', '--name', 'q', '--', 'sleep', '999']
  const running = await grid.submit(...bot)
  await grid.running(running)
  expect((await grid.show(running)).spec.queue).toBe('continuous')
  const wrong = await grid.eg('submit', '--queue', 'continuous', '--', 'true')
  expect(wrong).toMatchObject({ status: 1, stdout: '' })
  expect(wrong.stderr).toContain('does not take task jobs')
  await grid.ok('stop', '--wait', 'q')
})

test('queues have their order: what waits in the one of bots starts before tasks that came first', async () => {
  const room = ['--slots', '2', '--where', 'node=slow']
  const holder = await grid.submit(...room, '--', 'sleep', '999')
  await grid.running(holder)
  const task = await grid.submit(...room, '--queue', 'task', '--', 'true')
  const bot = await grid.submit(...room, '--continuous', '--name', 'first', '--', 'sleep', '999')
  await grid.ok('stop', String(holder))
  await grid.running(bot)
  expect((await grid.show(task)).state).toBe('pending')
  await grid.ok('stop', 'first')
  expect((await grid.finished(task)).outcome).toBe('succeeded')
})
