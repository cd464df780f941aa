// Schedules under a wall clock that moves, in the small machine, where the clock may be set: daylight saving
// time, an outage of hours and the three catch-ups, and a step under a running scheduler. Real daemons throughout.
// Plain Node, so that it also starts quickly on the emulated processors of the small machine.
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { openClient } from '../../dist/src/client/index.js'

const mainOf = (daemon) => fileURLToPath(new URL(`../../dist/${daemon}/main.js`, import.meta.url))
const egPath = fileURLToPath(new URL('../../dist/bin/eg', import.meta.url))
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evergrid-clock-')))
const url = 'http://127.0.0.1:6455'
const env = { ...process.env, EVERGRID_DATA: join(folder, 'grid'), EVERGRID_URL: url }
process.env.EVERGRID_DATA = env.EVERGRID_DATA
const run = promisify(execFile)
const eg = async (...args) => (await run(egPath, args, { env, cwd: folder })).stdout
const client = openClient({ url, patienceMs: 60_000 })

if (!readFileSync('/proc/sys/kernel/hostname', 'utf8').startsWith('vm-')) {
  throw new Error('this sets the clock of the machine: run it by test/vm/run.sh')
}

/** Sets the wall clock; the monotonic ones go on as they were. */
const setClock = (utc) => execFileSync('date', ['--utc', '--set', utc])

/** On the monotonic clock. */
async function until(what, condition, seconds = 150) {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`${what} did not happen within ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 400))
  }
}

let passed = 0
let began = performance.now()
function held(what) {
  passed += 1
  process.stdout.write(`ok ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
  began = performance.now()
}

const daemons = new Map()
const logFile = openSync(join(folder, 'log'), 'a')
async function start(name, daemon, ...args) {
  const data = join(env.EVERGRID_DATA, name)
  // Without the `eg` before it: each Node takes seconds to start here.
  const child = spawn(process.execPath, [mainOf(daemon), ...args, '--data', data], {
    env,
    stdio: ['ignore', 'pipe', logFile],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  daemons.set(name, { child, ended })
  for await (const line of createInterface(child.stdout)) if (line.startsWith('ready ')) return
  throw new Error(`${daemon} ended before it was ready`)
}
async function stop(name) {
  const { child, ended } = daemons.get(name)
  daemons.delete(name)
  child.kill('SIGTERM')
  await ended
}
const startScheduler = () => start('scheduler', 'scheduler', '--port', '6455', '--allow-root-jobs')
async function awayUntil(utc) {
  await stop('scheduler')
  setClock(utc)
  await startScheduler()
}

const job = { command: ['true'], cwd: folder, out: '/dev/null', memBytes: 2 ** 26 }
const add = (name, expression, more = {}) =>
  client.call('addSchedule', { body: { name, expression, tz: 'Europe/Berlin', job, ...more } })
const ledger = async (name) =>
  (await client.call('showSchedule', { params: { schedule: name } })).ledger
const oldestFirst = async (name) => (await ledger(name)).reverse()
/** The same as people get it; each `eg` takes seconds here. */
const shown = async (name) =>
  JSON.parse(await eg('schedule', 'show', name, '--json')).ledger.reverse()
const entry = (name, dueAt) =>
  until(`the firing of ${name} at ${dueAt}`, async () =>
    (await ledger(name)).find((one) => one.dueAt === dueAt && one.outcome !== 'queued'),
  )
const brief = ({ dueAt, until: last, count, outcome, jobId }) =>
  [
    dueAt.slice(5, 16),
    last?.slice(5, 16) ?? '-',
    count,
    outcome,
    jobId === null ? '-' : 'job',
  ].join(' ')

try {
  mkdirSync(env.EVERGRID_DATA, { mode: 0o700 })
  setClock('2027-03-28 00:55:20')
  await startScheduler()
  await start(
    'n1',
    'exec-node',
    '--scheduler',
    url,
    '--name',
    'n1',
    '--slots',
    '4',
    '--mem',
    String(2 ** 30),
  )
  const bot = await client.call('submitJob', {
    body: { ...job, kind: 'continuous', name: 'bot', command: ['sleep', '100000'] },
  })
  await add('gap', '30 2 * * *')
  await add('gap2', '15,45 2 * * *')
  await add('steady', '*/15 * * * *')
  for (const catchUp of ['none', 'last', 'all']) await add(catchUp, '0 * * * *', { catchUp })
  const { next } = await client.call('showSchedule', { params: { schedule: 'gap' } })
  assert.deepEqual(next.slice(0, 2), ['2027-03-28T01:00:00.000Z', '2027-03-29T00:30:00.000Z'])
  const running = await until('the bot', async () => {
    const { tasks } = await client.call('showJob', { params: { job: String(bot.job) } })
    return tasks[0].runs?.at(-1)?.pid && tasks[0].runs.at(-1)
  })
  held('a grid with schedules, some minutes before summer begins')

  // Under five minutes: no step that anybody has to look at.
  setClock('2027-03-28 00:59:57')
  for (const name of ['gap', 'gap2', 'steady', 'none']) {
    const fired = await entry(name, '2027-03-28T01:00:00.000Z')
    assert.equal(fired.outcome, 'ran', JSON.stringify(fired))
    const over = await until(`the end of job ${fired.jobId}`, async () => {
      const found = await client.call('showJob', { params: { job: String(fired.jobId) } })
      return found.state === 'finished' && found
    })
    assert.equal(over.outcome, 'succeeded')
    assert.ok(Date.parse(over.startedAt) >= Date.parse(fired.dueAt))
    assert.ok(Date.parse(over.submittedAt) < Date.parse(fired.dueAt) + 30_000)
  }
  held('a time that does not exist fires once, right after the gap')

  await awayUntil('2027-03-28 06:20:30')
  await until(
    'all of catch-up all',
    async () =>
      (await ledger('all')).filter(({ outcome, jobId }) => outcome === 'ran' && jobId).length === 6,
  )
  assert.deepEqual((await oldestFirst('none')).map(brief), [
    '03-28T01:00 - 1 ran job',
    '03-28T02:00 03-28T06:00 5 missed -',
  ])
  assert.match((await ledger('none'))[0].why, /nothing could fire; catch-up is none/)
  assert.deepEqual((await oldestFirst('last')).map(brief), [
    '03-28T01:00 - 1 ran job',
    '03-28T02:00 03-28T05:00 4 missed -',
    '03-28T06:00 - 1 ran job',
  ])
  const every = ['01', '02', '03', '04', '05', '06'].map((hour) => `03-28T${hour}:00 - 1 ran job`)
  assert.deepEqual((await shown('all')).map(brief), every)
  assert.deepEqual((await oldestFirst('steady')).map(brief), [
    '03-28T01:00 - 1 ran job',
    '03-28T01:15 03-28T06:15 21 missed -',
  ])
  assert.deepEqual((await oldestFirst('gap')).map(brief), ['03-28T01:00 - 1 ran job'])
  held(
    'five hours without a scheduler: caught up with none, the last, all; every due time has its entry',
  )

  for (const name of ['last', 'all', 'none', 'gap2'])
    await client.call('removeSchedule', { params: { schedule: name } })
  const clock = () => client.call('showClock')
  const step = async (utc) => {
    setClock(utc)
    return until('a look at the clock', async () => (await clock()).held)
  }
  await step('2027-10-31 00:29:50')
  assert.equal((await clock()).wallClock.slice(0, 13), '2027-10-31T00')
  await client.call('confirmClock')
  assert.equal((await entry('gap', '2027-10-31T00:30:00.000Z')).outcome, 'ran')
  assert.deepEqual((await oldestFirst('gap')).map(brief), [
    '03-28T01:00 - 1 ran job',
    '03-29T00:30 10-30T00:30 216 missed -',
    '10-31T00:30 - 1 ran job',
  ])
  held('a step over the summer, confirmed; where 2:30 comes twice it fires the first time')

  const hold = await step('2027-10-31 01:29:58')
  await until('2:30 again', () => Date.now() > Date.parse('2027-10-31T01:30:03Z'))
  assert.ok(Math.abs(hold.steppedByMs - 3_590_000) < 120_000, `stepped by ${hold.steppedByMs}`)
  assert.equal((await ledger('steady'))[0].dueAt, '2027-10-31T00:30:00.000Z')
  held('a step of an hour: nothing fires until it is confirmed')

  assert.match(await eg('clock', '--confirm'), /schedules follow it/)
  const second = await entry('steady', '2027-10-31T01:30:00.000Z')
  assert.equal(second.outcome, 'ran')
  assert.deepEqual((await ledger('steady')).reverse().slice(-3).map(brief), [
    '10-31T00:30 - 1 ran job',
    '10-31T00:45 10-31T01:15 3 missed -',
    '10-31T01:30 - 1 ran job',
  ])
  assert.deepEqual((await ledger('gap')).map(brief).slice(0, 1), ['10-31T00:30 - 1 ran job'])
  held('confirmed: 2:30 fires once that night, what is every 15 minutes keeps its interval')

  const { tasks } = await client.call('showJob', { params: { job: String(bot.job) } })
  assert.equal(tasks[0].runs.length, 1)
  assert.equal(tasks[0].runs[0].pid, running.pid)
  assert.equal(tasks[0].state, 'running')
  held('the bot ran through all of it')
  process.stdout.write(`clock: ${passed} passed, 0 failed\n`)
} catch (error) {
  process.stdout.write(`FAILED ${error.stack}\nclock: ${passed} passed, 1 failed\n`)
  process.stdout.write(readFileSync(join(folder, 'log'), 'utf8').slice(-8_000))
  process.exitCode = 1
} finally {
  await client.call('stopJobs', { body: { all: true } }).catch(() => {})
  await until('the end of all jobs', async () => {
    const { jobs } = await client.call('listJobs', { query: {} })
    return jobs.length === 0
  }).catch(() => {})
  for (const name of [...daemons.keys()].reverse()) await stop(name)
  client.close()
  rmSync(folder, { recursive: true, force: true })
}
