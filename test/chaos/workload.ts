/** Owners at work: bots that must stay up, tasks that must be done, schedules, and all that goes wrong by itself. */
import { setTimeout as delay } from 'node:timers/promises'

import type { Input } from '../../src/client/index.ts'
import { ClientError } from '../../src/client/index.ts'
import { uptime } from '../../src/lib/real-clock.ts'
import type { Random } from '../sim/random.ts'
import { until } from '../support/wait.ts'
import { Acknowledgements, type Acknowledged, type Expected, type Mark } from './acknowledged.ts'
import { allJobs } from './all-jobs.ts'
import { begunOf } from './evidence.ts'
import type { ChaosGrid } from './grid.ts'
import { pace } from './pace.ts'
import { killWorkers } from './workers.ts'

type Job = Input<'submitJob'>['body']
/** Two copies of each would be noticed by the lock that it holds. */
export const botNames = ['bot-a', 'bot-b', 'bot-c', 'bot-stubborn', 'bot-daemon', 'bot-d']
const schedules = [
  { name: 'minutely', catchUp: 'all', overlap: 'allow' },
  { name: 'minutely-too', catchUp: 'all', overlap: 'allow' },
  { name: 'minutely-alone', catchUp: 'last', overlap: 'forbid' },
] as const

/** A scheduler may be away for the whole of a fault; owners are patient, and keep their key. */
const patienceMs = 120_000

/** What is submitted, by weight. */
const mix = {
  once: 8,
  counter: 2,
  flaky: 1,
  plain: 2,
  long: 0.2,
  fail: 1,
  daemon: 1,
  hang: 1,
  stubborn: 1,
  eat: 0.5,
  chatter: 0.3,
  held: 1,
}
type Kind = keyof typeof mix

export class Workload {
  readonly said = new Acknowledgements()
  readonly #grid: ChaosGrid
  readonly #random: Random
  #count = 0
  #paused = false
  #over = false
  #working: Promise<void> = Promise.resolve()
  readonly #stops = new Set<Promise<void>>()

  constructor(grid: ChaosGrid, random: Random) {
    this.#grid = grid
    this.#random = random
  }

  async begin(): Promise<void> {
    for (const name of botNames) await this.#submitBot(name)
    for (const { name, ...policies } of schedules) {
      const job = this.#job('due', name)
      const body = { name, expression: '* * * * *', ...policies, job }
      await this.#grid.client.call('addSchedule', { body }, { patienceMs })
      this.said.schedules.push({ name, at: Date.now() })
    }
    // Of these a backup of the beginning knows one half as done, and the other as not.
    for (let nth = 0; nth < 2; nth++) await this.#one('long')
    this.#working = this.#work()
  }

  async #submitBot(name: string): Promise<number> {
    const flag = name.replace(/^bot-/, '')
    return this.#submit({ ...this.#job('bot', name, flag), kind: 'continuous' }, 'bot')
  }

  /** A bot that is not counted: for what is beyond the promises. */
  async submitEdge(name: string): Promise<number> {
    const body = { ...this.#job('bot', name), kind: 'continuous' as const }
    return (await this.#grid.client.call('submitJob', { body }, { patienceMs })).job
  }

  /** One that is not counted, and never ends by itself; when it runs. */
  async submitForgotten(name: string): Promise<number> {
    const body = this.#job('hang', name)
    const { job } = await this.#grid.client.call('submitJob', { body }, { patienceMs })
    await until(() => begunOf(this.#grid.work, name).length > 0, { timeoutMs: 60_000, what: name })
    return job
  }

  /** Nobody submits; resolves when nothing is under way. */
  async pause(): Promise<void> {
    this.#paused = true
    await this.#working
    await Promise.all(this.#stops)
  }

  resume(): void {
    if (!this.#paused || this.#over) return
    this.#paused = false
    this.#working = this.#work()
  }

  async end(): Promise<void> {
    this.#over = true
    await this.pause()
  }

  async #work(): Promise<void> {
    while (!this.#paused) {
      const kind = this.#random.weighted(mix)
      try {
        await this.#one(kind)
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
        if (error.code === 'unreachable' || error.code === 'unavailable') this.said.unanswered += 1
        else this.said.refused.push(`${kind}: ${error.code} ${error.message}`)
      }
      await delay(this.#random.between(pace.pauseMs.least, pace.pauseMs.most))
    }
  }

  async #one(kind: Kind): Promise<void> {
    this.#count += 1
    const name = `${kind}-${this.#count}`
    const tasks = this.#random.int(2, 6)
    const array = { from: 1, to: tasks, step: 1 }
    const small = { memBytes: 16 * 2 ** 20, timeMs: 30_000 }
    switch (kind) {
      case 'once':
        return void (await this.#submit(this.#job('count', name), 'once'))
      case 'counter':
      case 'flaky': {
        const flag = kind === 'flaky' ? kind : ''
        const body = { ...this.#job('tally', name, flag), array, retry: 1000 }
        return void (await this.#submit(body, 'all', { tasks, counter: true }))
      }
      case 'long': {
        const { longTasks } = pace
        const many = { tasks: longTasks, counter: true }
        const paced = { array: { ...array, to: longTasks }, maxRunning: 2, retry: 1000 }
        return void (await this.#submit({ ...this.#job('tally', name), ...paced }, 'all', many))
      }
      case 'plain': {
        const body = { ...this.#job('tally', name, 'plain'), array }
        return void (await this.#submit(body, 'once', { tasks, counter: true }))
      }
      case 'fail':
        return void (await this.#submit(this.#job('fail', name), 'fails'))
      case 'daemon':
        return void (await this.#submit(this.#job('daemon', name), 'once'))
      case 'eat':
        return void (await this.#submit({ ...this.#job('eat', name), ...small }, 'limited'))
      case 'chatter': {
        const output = { out: `${this.#grid.out}/chatter.log` }
        return void (await this.#submit({ ...this.#job('chatter', name), ...output }, 'once'))
      }
      case 'hang':
        return this.#stopLater(await this.#submit(this.#job('hang', name), 'stopped'))
      case 'stubborn': {
        const body = {
          ...this.#job('hang', name, 'stubborn'),
          stop: { signal: 'SIGTERM', graceMs: 1_000 },
        }
        return this.#stopLater(await this.#submit(body, 'stopped'))
      }
      case 'held': {
        const body = { ...this.#job('count', name), hold: true }
        const job = await this.#submit(body, 'once', { held: true })
        const afterMs = this.#random.between(0, 8_000)
        return this.#later(() => delay(afterMs).then(() => this.#until('releaseJobs', job)))
      }
    }
  }

  #job(verb: string, name: string, flag = ''): Job {
    const command = [this.#grid.program('worker'), verb, this.#grid.work, name, flag]
    return {
      name,
      command,
      cwd: this.#grid.work,
      out: '/dev/null',
      err: '/dev/null',
      memBytes: 64 * 2 ** 20,
    }
  }

  async #submit(
    body: Job,
    expected: Expected,
    more: Partial<Pick<Acknowledged, 'tasks' | 'counter' | 'held'>> = {},
  ): Promise<number> {
    const { job } = await this.#grid.client.call('submitJob', { body }, { patienceMs })
    const about = { tasks: 1, counter: false, held: false, ...more }
    this.said.add({ job, name: body.name ?? '', expected, at: uptime(), ...about })
    return job
  }

  /** Whether it runs by then or not. */
  #stopLater(job: number): void {
    const afterMs = this.#random.between(200, 5_000)
    this.#later(async () => {
      await delay(afterMs)
      await this.#until('stopJobs', job)
    })
  }

  #later(work: () => Promise<void>): void {
    const working = work().finally(() => this.#stops.delete(working))
    this.#stops.add(working)
  }

  /** Until it is answered: the owner wants it. A job that is not known any more is given up. */
  async #until(what: 'stopJobs' | 'releaseJobs', job: number): Promise<void> {
    for (;;) {
      try {
        await this.#grid.client.call(what, { body: { jobs: [String(job)] } }, { patienceMs })
        return
      } catch (error) {
        if (error instanceof ClientError && error.code === 'not-found') return
        if (!(error instanceof ClientError)) throw error
        await delay(200)
      }
    }
  }

  /** What a copy of the database that is made from now on must know. */
  async mark(): Promise<Mark> {
    const at = uptime()
    const known = this.said.jobs.length
    return this.#grid.insist(async (client) => {
      const ledgers = new Map<string, number>()
      for (const { name } of this.said.schedules) {
        const asked = { params: { schedule: name }, query: { limit: 1 } }
        const [last] = (await client.call('showSchedule', asked)).ledger
        if (last !== undefined) ledgers.set(name, Date.parse(last.until ?? last.dueAt))
      }
      const live = new Set((await allJobs(client, [false])).keys())
      return { jobs: known, live, ledgers, at }
    })
  }

  /** A database of that mark, or somewhat later, is in place. Orders given since may be forgotten, so they are given again. */
  restored(mark: Mark): void {
    const jobs = this.said.jobs.length
    this.said.restores.push({ mark, jobs, at: uptime(), wallAt: Date.now() })
    for (const { job, name, expected, held } of this.said.jobs) {
      if (this.said.restoredOver(job) === 0) continue
      if (expected === 'stopped') this.#later(() => this.#until('stopJobs', job))
      if (held) this.#later(() => this.#until('releaseJobs', job))
      if (expected === 'stopped' && this.said.mayBeForgotten(job))
        this.#later(() => this.#endByHand(job, name))
    }
  }

  /** A stop may have been forgotten before it came to its node, together with its job: then nobody else ends it. */
  async #endByHand(job: number, name: string): Promise<void> {
    const shown = this.#grid.client.call(
      'showJob',
      { params: { job: String(job) } },
      { patienceMs },
    )
    const isGone = await shown.then(
      () => false,
      (error: unknown) => error instanceof ClientError && error.code === 'not-found',
    )
    if (isGone) killWorkers(this.#grid.program('worker'), name)
  }
}
