/** The last defence, on real daemons: with the agent dead and no scheduler, single-copy runs end at the deadline. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { Daemons } from '../support/daemons.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { botLog, singleCopyBot } from '../support/single-copy.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
let daemons: Daemons
let bot = 0

beforeAll(async () => {
  grid = await TestGrid.apart({ lease: '1,3,4,6' })
  daemons = new Daemons(grid)
  await daemons.scheduler()
  await Promise.all([daemons.node('alpha'), daemons.node('beta')])
  const where = ['--where', 'node=alpha']
  const command = singleCopyBot(grid.work)
  bot = await grid.submit('--continuous', '--name', 'bot', ...where, '--', ...command)
})
afterAll(async () => {
  await daemons.end()
  await grid.end()
})

const folder = (...path: string[]) => join(grid.data, 'alpha', ...path)
const fencePid = () => (existsSync(folder('fence.pid')) ? daemons.pidIn('alpha/fence.pid') : 0)

/** Of the one run that alpha has. */
function shepherdPid(): number {
  const [run = ''] = readdirSync(folder('runs')).filter((name) => name.startsWith(`${bot}.`))
  return Number(readFileSync(folder('runs', run, 'journal'), 'utf8').split(' ')[1])
}

async function everybodyIsBack(before: { number: number }): Promise<void> {
  await daemons.scheduler()
  await daemons.node('alpha')
  await grid.running(bot, before.number)
  const runs = (await grid.show(bot)).tasks.flatMap((task) => ('runs' in task ? task.runs : []))
  const ended = runs.find((run) => run?.number === before.number)
  expect(ended?.cause).toMatchObject({ kind: 'lease-expired' })
  expect(botLog(grid.work)).toMatchObject({ doubles: 0 })
}

test('the agent starts a killed fence again; one that outlives its agent serves the next', async () => {
  await grid.running(bot)
  const first = await until(fencePid)
  process.kill(first, 'SIGKILL')
  const other = () => (fencePid() !== first && isAlive(fencePid()) ? fencePid() : null)
  const second = await until(other, { what: 'another fence' })
  process.kill(daemons.nodePid('alpha'), 'SIGKILL')
  await daemons.node('alpha')
  expect(isAlive(second)).toBe(true)
  expect(fencePid()).toBe(second)
})

test('agent and scheduler dead, shepherd hung: the fence ends the bot at the deadline, and goes when nothing is left', async () => {
  await daemons.leasesEnd()
  const before = await grid.running(bot)
  const [fence, shepherd] = [fencePid(), shepherdPid()]
  process.kill(shepherd, 'SIGSTOP')
  try {
    process.kill(daemons.nodePid('alpha'), 'SIGKILL')
    process.kill(daemons.schedulerPid, 'SIGKILL')
    await until(() => !isAlive(before.pid), { what: 'the end of the bot' })
    // The shepherd is there yet, and could still have something to be fenced.
    expect(isAlive(fence)).toBe(true)
  } finally {
    process.kill(shepherd, 'SIGCONT')
  }
  await until(() => !isAlive(shepherd), { what: 'the end of the shepherd' })
  await until(() => !isAlive(fence), { what: 'the end of the fence' })
  await everybodyIsBack(before)
}, 60_000)

test('agent, fence and scheduler dead: the shepherd ends its bot by itself', async () => {
  await daemons.leasesEnd()
  const before = await grid.running(bot)
  await until(() => isAlive(fencePid()), { what: 'a fence of the new agent' })
  for (const pid of [daemons.nodePid('alpha'), fencePid(), daemons.schedulerPid])
    process.kill(pid, 'SIGKILL')
  expect(isAlive(before.pid)).toBe(true)
  await until(() => !isAlive(before.pid), { what: 'the end of the bot' })
  await everybodyIsBack(before)
}, 60_000)
