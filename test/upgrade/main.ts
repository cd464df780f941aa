/**
 * `npm run test:upgrade`: the version landed before runs jobs; this one takes over its data folder and its exec-nodes one
 * by one, in an order in which both versions meet. No process is touched, nothing is lost.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { egPath, isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'
import { buildOldVersion } from './old-version.ts'

const isRoot = process.getuid?.() === 0
const names = ['n1', 'n2', 'n3'] as const

const say = (text: string): void => void process.stdout.write(`${text}\n`)

function same(what: string, found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: ${a}, and not ${b}`)
}

class Daemons {
  readonly #grid: TestGrid
  readonly #running = new Map<string, ChildProcess>()

  constructor(grid: TestGrid) {
    this.#grid = grid
    mkdirSync(grid.data, { recursive: true })
  }

  /** Starts a daemon of that `eg`; resolves when it says that it is ready. */
  async start(eg: string, name: string): Promise<void> {
    const { data, url, env } = this.#grid
    const folder = ['--data', join(data, name)]
    const argv =
      name === 'scheduler'
        ? [
            'scheduler',
            ...folder,
            '--port',
            new URL(url).port,
            ...(isRoot ? ['--allow-root-jobs'] : []),
          ]
        : [
            'exec-node',
            ...folder,
            '--scheduler',
            url,
            '--name',
            name,
            '--slots',
            '4',
            '--mem',
            '2G',
          ]
    const daemon = spawn(eg, argv, { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.#running.set(name, daemon)
    let text = ''
    let problem = ''
    daemon.stdout.on('data', (part: Buffer) => (text += part.toString()))
    daemon.stderr.on('data', (part: Buffer) => (problem = part.toString()))
    await until(
      () => {
        if (daemon.exitCode !== null) throw new Error(`${name} ended: ${problem}`)
        return /^ready /m.test(text)
      },
      { what: `${name} to be ready` },
    )
  }

  async stop(name: string, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const daemon = this.#running.get(name)
    if (daemon === undefined) return
    const pid =
      name === 'scheduler' ? this.#grid.pidOf('scheduler') : this.#grid.pidOf(name as 'node1')
    process.kill(pid, signal)
    await until(() => daemon.exitCode !== null || daemon.signalCode !== null, {
      what: `the end of ${name}`,
    })
    this.#running.delete(name)
  }

  async end(): Promise<void> {
    for (const name of [...this.#running.keys()].reverse()) await this.stop(name)
  }
}

type Known = { job: number; pid: number; node: string }

const runningJobs = (grid: TestGrid, jobs: readonly number[]): Promise<Known[]> =>
  Promise.all(
    jobs.map(async (job) => {
      const { pid, node } = await grid.running(job)
      return { job, pid, node }
    }),
  )

/** Everything runs as before, on the same node, as the same process, and each node takes new work. */
async function untouched(grid: TestGrid, before: readonly Known[]): Promise<void> {
  await until(async () => (await grid.nodes()).filter(({ state }) => state === 'up').length === 3, {
    what: 'three nodes',
  })
  same(
    'what runs',
    await runningJobs(
      grid,
      before.map(({ job }) => job),
    ),
    before,
  )
  for (const { job, pid } of before) {
    if (!isAlive(pid)) throw new Error(`process ${pid} of job ${job} is gone`)
    const { restarts } = await grid.show(job)
    same(`restarts of job ${job}`, restarts, 0)
  }
  await Promise.all(
    names.map(async (name) => {
      const job = await grid.submit('--where', `node=${name}`, '--', 'sh', '-c', 'exit 7')
      const { tasks } = await grid.finished(job)
      const ends = tasks.flatMap((task) => task.cause)
      same(`the end of a job on ${name}`, ends, [{ kind: 'exit', code: 7 }])
    }),
  )
}

async function upgrade(grid: TestGrid, daemons: Daemons, old: string): Promise<void> {
  say('the old version runs jobs')
  for (const name of ['scheduler', ...names]) await daemons.start(old, name)
  const shell = (text: string) => ['--', 'sh', '-c', text]
  const jobs: number[] = []
  for (const name of names)
    for (const kind of [['--continuous'], []])
      jobs.push(
        await grid.submit(
          ...kind,
          '--name',
          `on-${name}`,
          '--where',
          `node=${name}`,
          ...shell('echo began; exec sleep 4711'),
        ),
      )
  const waiting = await grid.submit('--hold', '--name', 'waiting', ...shell('exit 0'))
  await grid.ok('schedule', 'add', 'nightly', '0 3 * * *', ...shell('exit 0'))
  const before = await runningJobs(grid, jobs)
  await untouched(grid, before)
  const over = (await grid.json<unknown[]>('history')).length

  say('a new exec-node under the old scheduler')
  await daemons.stop('n1')
  await daemons.start(egPath, 'n1')
  await untouched(grid, before)

  say('the new scheduler on the old data folder, with two old exec-nodes')
  await daemons.stop('scheduler', 'SIGKILL')
  await daemons.start(egPath, 'scheduler')
  await untouched(grid, before)

  say('the other exec-nodes, one in order, one killed')
  await daemons.stop('n2')
  await daemons.start(egPath, 'n2')
  await untouched(grid, before)
  await daemons.stop('n3', 'SIGKILL')
  await daemons.start(egPath, 'n3')
  await untouched(grid, before)

  say('what was there before is there, and obeys')
  if ((await grid.json<unknown[]>('history')).length < over + 12)
    throw new Error('history was lost')
  same('schedules', (await grid.json<unknown[]>('schedules')).length, 1)
  await grid.ok('check')
  await grid.ok('release', String(waiting))
  same('the job that waited', (await grid.finished(waiting)).outcome, 'succeeded')
  for (const { job } of before) same('its output', await grid.ok('logs', String(job)), 'began\n')
  await grid.ok('stop', ...jobs.map(String))
  for (const { job, pid } of before) {
    await grid.finished(job)
    if (isAlive(pid)) throw new Error(`process ${pid} of job ${job} outlives its stop`)
  }
}

const grid = await TestGrid.apart()
const daemons = new Daemons(grid)
try {
  const old = buildOldVersion(join(grid.folder, 'old'))
  await upgrade(grid, daemons, old)
  say('upgraded: nothing was touched, nothing was lost')
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  await grid.eg('stop', '--all', '--owner', '*', '--yes')
  await until(async () => (await grid.jobs()).length === 0, { what: 'the end of all jobs' }).catch(
    (error: unknown) => say(String(error)),
  )
  await daemons.end()
  await grid.end()
}
