/** Owners at work: bots that must stay up, tasks that must be done, schedules, and all that goes wrong by itself. */
import { setTimeout as delay } from 'node:timers/promises'

import type { Input } from '../../src/client/index.ts'
import { ClientError } from '../../src/client/index.ts'
import { uptime } from '../../src/lib/real-clock.ts'
import type { Random } from '../sim/random.ts'
import { Acknowledgements, type Expected } from './acknowledged.ts'
import type { ChaosGrid } from './grid.ts'

type Job = Input<'submitJob'>['body']
/** Two copies of each would be noticed by the lock that it holds. */
export const botNames = ['bot-a', 'bot-b', 'bot-c', 'bot-stubborn', 'bot-daemon', 'bot-d']
const scheduleNames = ['minutely', 'minutely-too']

/** A scheduler may be away for the whole of a fault; owners are patient, and keep their key. */
const patienceMs = 120_000
const pauseMs = { least: 150, most: 700 }

/** What is submitted, by weight. */
const mix = {
  count: 10,
  array: 2,
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
    for (const name of scheduleNames) {
      const job = this.#job('count', name, '')
      const body = {
        name,
        expression: '* * * * *',
        catchUp: 'all' as const,
        overlap: 'allow' as const,
        job,
      }
      await this.#grid.client.call('addSchedule', { body }, { patienceMs })
      this.said.schedules.push({ name, at: Date.now() })
    }
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
      await delay(this.#random.between(pauseMs.least, pauseMs.most))
    }
  }

  async #one(kind: Kind): Promise<void> {
    this.#count += 1
    const name = `${kind}-${this.#count}`
    const tried = { retry: 1000, array: { from: 1, to: 4, step: 1 } }
    const small = { memBytes: 16 * 2 ** 20, timeMs: 30_000 }
    switch (kind) {
      case 'count':
        return void (await this.#submit(this.#job('count', name), 'once'))
      case 'array':
        return void (await this.#submit({ ...this.#job('count', name), ...tried }, 'all', 4))
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
        const job = await this.#submit({ ...this.#job('count', name), hold: true }, 'once')
        const body = { jobs: [String(job)] }
        await this.#grid.insist((client) => client.call('releaseJobs', { body }))
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

  async #submit(body: Job, expected: Expected, tasks = 1): Promise<number> {
    const { job } = await this.#grid.client.call('submitJob', { body }, { patienceMs })
    this.said.jobs.push({ job, name: body.name ?? '', expected, tasks, at: uptime() })
    return job
  }

  /** Whether it runs by then or not. */
  #stopLater(job: number): void {
    const afterMs = this.#random.between(200, 5_000)
    const stop = async () => {
      await delay(afterMs)
      // Until it is answered: the owner wants it gone.
      for (;;) {
        const input = { body: { jobs: [String(job)] } }
        const said = await this.#grid.client
          .call('stopJobs', input, { patienceMs })
          .catch(() => null)
        if (said !== null || this.said.givenUp.has(job)) return
      }
    }
    const stopping = stop().finally(() => this.#stops.delete(stopping))
    this.#stops.add(stopping)
  }
}
