/** Daemons are killed, ended and started again while jobs run: nothing acknowledged is lost, nobody is touched. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
let bot: number
let pid: number

beforeAll(async () => {
  grid = await TestGrid.start({ nodes: 2 })
  bot = await grid.submit('--continuous', '--name', 'bot', '--', 'sleep', '1000')
  pid = (await grid.running(bot)).pid
})
afterAll(() => grid.end())

/** Kills a daemon and waits for its successor. */
async function replaced(daemon: 'scheduler' | 'node1' | 'node2'): Promise<void> {
  const old = grid.pidOf(daemon)
  process.kill(old, 'SIGKILL')
  const file = daemon === 'scheduler' ? 'scheduler.pid' : 'exec-node.pid'
  await until(() => existsSync(join(grid.data, daemon, file)) && grid.pidOf(daemon) !== old, {
    what: `another ${daemon}`,
  })
}

async function untouched(): Promise<void> {
  expect(await grid.running(bot)).toMatchObject({ pid, number: 1 })
  expect(isAlive(pid)).toBe(true)
}

/** Ends when the file `go` is there, with this status. */
const waiter = (go: string, status: number) => [
  'sh',
  '-c',
  `while [ ! -e ${go} ]; do sleep 0.05; done; exit ${status}`,
]
const release = (go: string) => grid.ok('submit', '--wait', '--', 'touch', go)

test('what was acknowledged is there after kill -9 of the scheduler, and jobs do not notice', async () => {
  const running = await grid.submit('--', ...waiter('first', 3))
  await grid.running(running)
  const answers = Array.from({ length: 20 }, (_, n) =>
    grid.eg('submit', '--quiet', '--hold', '--name', `n${n}`, '--', 'true'),
  )
  await Promise.race(answers)
  await replaced('scheduler')
  const submitted = await Promise.all(answers)
  const names = new Map((await grid.jobs()).map(({ id, name }) => [id, name]))
  for (const [n, { status, stdout }] of submitted.entries()) {
    expect(status).toBe(0)
    expect(names.get(Number(stdout))).toBe(`n${n}`)
  }
  // A retried submit with its key makes no second job.
  expect([...names.values()].filter((name) => name.startsWith('n'))).toHaveLength(20)
  await untouched()
  await release('first')
  expect((await grid.finished(running)).outcome).toBe('failed')
  await grid.ok('stop', '--name', 'n*', '--yes')
})

test('what ends while its agent is dead, or both daemons are, is known with its exit', async () => {
  const one = await grid.submit('--where', 'node=node1', '--', ...waiter('second', 4))
  const two = await grid.submit('--where', 'node=node2', '--', ...waiter('second', 5))
  await grid.running(one)
  await grid.running(two)
  const go = release('second')
  for (const daemon of ['node1', 'node2', 'scheduler'] as const) {
    process.kill(grid.pidOf(daemon), 'SIGKILL')
  }
  await go
  for (const [job, status] of [
    [one, 4],
    [two, 5],
  ] as const) {
    const detail = await grid.finished(job)
    expect(detail.tasks[0]).toMatchObject({ runs: [{ number: 1, exitCode: status }] })
  }
  await untouched()
})

test('a second eg up on the folder is refused, also one on a taken port', async () => {
  const second = await grid.eg('up', '--data', grid.data, '--port', '0')
  expect(second.status).not.toBe(0)
  expect(second.stderr).toContain('already runs')
  const stranger = createServer()
  const port = await new Promise<number>((resolve) => {
    stranger.listen(0, '127.0.0.1', () => resolve((stranger.address() as { port: number }).port))
  })
  const data = join(grid.folder, 'other')
  const taken = await grid.eg('up', '--data', data, '--port', String(port))
  stranger.close()
  expect(taken.status).not.toBe(0)
  expect(taken.stderr).toContain('something listens on port')
})

test('a closed terminal ends nothing; Ctrl-C says what keeps running, and the next eg up adopts it', async () => {
  grid.signal('SIGHUP')
  await untouched()
  const said = await grid.interrupt()
  expect(said).toContain('1 task keeps running')
  expect(isAlive(pid)).toBe(true)
  expect((await grid.eg('jobs')).status).toBe(3)
  await grid.up()
  await untouched()
  await grid.ok('down', '--data', grid.data)
  expect(isAlive(pid)).toBe(true)
  await grid.up()
  await untouched()
  await grid.ok('down', '--stop-jobs', '--data', grid.data)
  expect(isAlive(pid)).toBe(false)
})
