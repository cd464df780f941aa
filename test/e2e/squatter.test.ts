/** Another account takes the scheduler's port while that is away: it learns nothing, and nobody obeys it. */
import type { ChildProcess } from 'node:child_process'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isRoot, nobody, spawnAs } from '../support/as-user.ts'
import { Daemons } from '../support/daemons.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

/** As good a scheduler as a stranger can be: it tells whoever connects to stop everything, and prints what it is sent. */
const impostor = `
  const http = require('http')
  const [, port] = process.argv
  const orders = { kind: 'full', grid: 'g', revision: { incarnation: 999, counter: 1 }, orders: [] }
  const answers = [{ task: '1.1', epoch: 1, version: 9, then: 'stop' }]
  const reply = { grid: 'g', incarnation: 999, terms: null, wantFull: false, answers }
  http.createServer((request, response) => {
    const isStream = request.url.startsWith('/v1/node/orders')
    response.write(JSON.stringify(isStream ? orders : reply) + '\\n')
    if (!isStream) response.end()
  })
    .on('connection', (socket) => {
      console.log('connected')
      socket.on('data', (data) => console.log('GOT ' + data)).on('error', () => {})
    })
    .listen(port, '127.0.0.1', () => console.log('listens'))`

describe.skipIf(!isRoot)("a stranger on the scheduler's port", () => {
  let grid: TestGrid
  let daemons: Daemons
  let stranger: ChildProcess | null = null
  beforeAll(async () => {
    grid = await TestGrid.apart()
    daemons = new Daemons(grid)
    await daemons.scheduler()
    await daemons.node('alpha')
    await daemons.up(1)
  })
  afterAll(async () => {
    stranger?.kill('SIGKILL')
    await daemons.end()
    await grid.end()
  })

  test('gets not one byte of the agent, which says why, obeys nothing, and goes on with the real one', async () => {
    const bot = await grid.submit('--continuous', '--name', 'bot', '--', 'sleep', '1000')
    const before = await grid.running(bot)
    process.kill(daemons.schedulerPid, 'SIGKILL')
    await until(() => daemons.log.includes('refused-connection'), { what: 'a refused connection' })
    const { port } = new URL(grid.url)
    stranger = spawnAs(nobody.uid, [process.execPath, '-e', impostor, port])
    let heard = ''
    stranger.stdout?.on('data', (part: Buffer) => (heard += part.toString()))
    await until(() => heard.includes('listens'), { what: 'the stranger' })
    const connections = () => heard.match(/^connected$/gm)?.length ?? 0
    await until(() => connections() >= 3, { what: 'three tries of the agent' })
    const why = `port ${port} is held by a process of user ${nobody.name}`
    expect(daemons.log).toContain(why)
    const asked = await grid.eg('jobs')
    expect(asked).toMatchObject({ status: 3, stderr: expect.stringContaining(why) })
    expect(heard).not.toContain('GOT')
    expect(isAlive(before.pid)).toBe(true)

    const gone = new Promise((resolve) => stranger?.once('exit', resolve))
    stranger.kill('SIGKILL')
    await gone
    await daemons.scheduler()
    await until(() => daemons.log.includes('scheduler-answers-again'), { what: 'the real one' })
    expect(await grid.running(bot)).toMatchObject({ pid: before.pid, number: before.number })
    const next = await grid.submit('--name', 'next', '--', 'true')
    expect(await grid.finished(next)).toMatchObject({ outcome: 'succeeded' })
  })
})
