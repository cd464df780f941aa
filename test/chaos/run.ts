/** One run: the grid starts, owners work, faults come in an order that the seed decides, all settles, all is checked. */
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

import { uptime } from '../../src/lib/real-clock.ts'
import { Random } from '../sim/random.ts'
import { patience, until } from '../support/wait.ts'
import { lastBeat, readBotLog } from './bot-log.ts'
import { check, type Verdict } from './checker.ts'
import { showEdges } from './edges.ts'
import type { Around, Fault } from './faults/fault.ts'
import { isKept } from './faults/processes.ts'
import { Figures } from './figures.ts'
import { ChaosGrid, type Place } from './grid.ts'
import { lease, pace } from './pace.ts'
import { workersAlive } from './workers.ts'
import { botNames, Workload } from './workload.ts'

/** After a fault, and at the end: by then everything must be well again. */
const settleMs = () => 100_000 * patience + lease.endMs

export type Outcome = { broken: string[]; report: string }
export type RunOptions = {
  folder: string
  place: Place
  minutes: number
  seed: number
  faults: readonly Fault[]
  /** Also shows where the promise ends. */
  edges: boolean
}

export async function runChaos(options: RunOptions): Promise<Outcome> {
  const random = new Random(options.seed)
  const grid = await ChaosGrid.start(options.folder, options.place)
  const workload = new Workload(grid, random.fork())
  const run = new Run(grid, workload, random, options)
  try {
    return await run.all()
  } finally {
    await grid.stop().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
  }
}

class Run {
  readonly #grid: ChaosGrid
  readonly #workload: Workload
  readonly #random: Random
  readonly #options: RunOptions
  readonly #figures = new Figures()
  readonly #broken: string[] = []
  readonly #began = performance.now()

  constructor(grid: ChaosGrid, workload: Workload, random: Random, options: RunOptions) {
    this.#grid = grid
    this.#workload = workload
    this.#random = random
    this.#options = options
  }

  async all(): Promise<Outcome> {
    const { faults, minutes } = this.#options
    const around = this.#around()
    const possible = possibleOf(faults, around)
    await this.#workload.begin()
    await this.#well('the start')
    await delay(pace.warmUpMs)
    for (const fault of possible) await fault.prepare?.(around)
    const end = this.#began + minutes * 60_000
    const deck = possible.filter(({ isLast = false }) => !isLast)
    for (const fault of deckOf(deck, this.#random)) {
      if (performance.now() > end) break
      await this.#one(fault, around)
    }
    const verdicts = [await this.#verdict()]
    for (const fault of possible.filter(({ isLast = false }) => isLast)) {
      this.#workload.resume()
      await delay(pace.warmUpMs)
      await this.#one(fault, around)
      verdicts.push(await this.#verdict())
    }
    await this.#workload.end()
    const edges = this.#options.edges ? await showEdges(around) : []
    await this.#empty()
    return {
      broken: [...new Set(this.#broken)],
      report: [this.#report(verdicts), ...edgeLines(edges)].join('\n'),
    }
  }

  /** When all is at rest. */
  async #verdict(): Promise<Verdict> {
    await this.#workload.pause()
    await this.#settled()
    const { client, work } = this.#grid
    const verdict = await check({ client, work, said: this.#workload.said })
    this.#broken.push(...verdict.broken)
    return verdict
  }

  #around(): Around {
    return {
      grid: this.#grid,
      workload: this.#workload,
      random: this.#random,
      tell: (line) => this.#tell(line),
      broken: (line) => this.#breaks(line),
    }
  }

  async #one(fault: Fault, around: Around): Promise<void> {
    const from = uptime()
    const known = this.#doubles()
    this.#figures.injected(fault.kind)
    await fault.run(around)
    await this.#well(fault.kind)
    if (!fault.touchesNobody) await this.#calm(fault.kind)
    const begun = botNames.flatMap((bot) =>
      readBotLog(this.#grid.work, bot).starts.filter(({ at }) => at > from),
    )
    for (const { bot, run, gapMs } of begun) {
      if (gapMs !== null) this.#figures.gap(fault.kind, gapMs)
      if (fault.touchesNobody)
        this.#breaks(`"${fault.kind}" must touch nobody, and ${bot} began anew as run ${run}`)
    }
    if (this.#doubles() > known) this.#tell(`a second copy ran during "${fault.kind}"`)
    await this.#forgive()
  }

  /** Who was asked to end when a lease ran out, and does not obey, is killed some seconds later: still of this fault. */
  async #calm(after: string): Promise<void> {
    await delay(lease.killMs - lease.termMs + 500)
    await this.#well(after)
  }

  /** An owner restarts bots that were killed often, or their pauses would grow to minutes. */
  async #forgive(): Promise<void> {
    if (!this.#random.chance(0.3)) return
    const name = this.#random.pick(botNames) ?? ''
    const before = readBotLog(this.#grid.work, name).starts.length
    await this.#grid.insist((client) => client.call('restartJobs', { body: { jobs: [name] } }))
    await this.#until(
      `the restart of ${name}`,
      () => readBotLog(this.#grid.work, name).starts.length > before,
    )
    await this.#well('a restart')
  }

  #doubles(): number {
    return botNames.reduce((sum, bot) => sum + readBotLog(this.#grid.work, bot).doubles.length, 0)
  }

  /** All nodes are up and have their keepers, all bots are said to run and have shown since that they do. */
  async #well(after: string): Promise<void> {
    const from = uptime()
    await this.#until(`all well after "${after}"`, async () => {
      const { jobs } = await this.#grid.client.call('listJobs', { query: { kind: 'continuous' } })
      const beats = botNames.every((bot) => lastBeat(this.#grid.work, bot) > from)
      const runs = jobs.filter(({ state }) => state === 'running').length === botNames.length
      const nodes = await this.#grid.views()
      const kept = this.#grid.nodes.every(isKept)
      return beats && runs && kept && nodes.every(({ state }) => state === 'up')
    })
  }

  async #until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const tried = async () => {
      try {
        return await condition()
      } catch {
        return false
      }
    }
    try {
      await until(tried, { timeoutMs: settleMs() / patience, everyMs: 100, what })
    } catch {
      this.#breaks(`${what} did not come within ${settleMs() / 1000} s: ${await this.#state()}`)
    }
  }

  async #settled(): Promise<void> {
    this.#tell('no more faults')
    await this.#until('the end of all tasks', async () => {
      const { jobs } = await this.#grid.client.call('listJobs', { query: { all: true } })
      return jobs.every(({ kind }) => kind === 'continuous')
    })
    await this.#well('the last fault')
  }

  /** Everybody's work is stopped: no process of it may be left. */
  async #empty(): Promise<void> {
    const { client } = this.#grid
    for (const { name } of this.#workload.said.schedules) {
      await this.#grid.insist((it) => it.call('removeSchedule', { params: { schedule: name } }))
    }
    await this.#grid.insist((it) => it.call('stopJobs', { body: { all: true } }))
    await this.#until(
      'the end of all bots',
      async () => (await client.call('listJobs')).jobs.length === 0,
    )
    const left = workersAlive(this.#grid.program('worker'))
    if (left.length > 0) this.#breaks(`all jobs are finished, and these live: ${left.join('; ')}`)
  }

  async #state(): Promise<string> {
    try {
      const { jobs } = await this.#grid.client.call('listJobs', { query: { all: true, limit: 50 } })
      const nodes = await this.#grid.views()
      const silent = botNames.filter(
        (bot) => uptime() - lastBeat(this.#grid.work, bot) > pace.freshMs,
      )
      return JSON.stringify({
        jobs: jobs.map(
          ({ id, name, state, node, reason }) => `${id} ${name} ${state} ${node} ${reason}`,
        ),
        nodes: nodes.map(({ name, state, lease, reason }) => `${name} ${state} ${lease} ${reason}`),
        silent,
      })
    } catch (error) {
      return `${String(error)}; the scheduler's last words: ${this.#grid.scheduler.lastWords()}`
    }
  }

  #tell(line: string): void {
    const at = ((performance.now() - this.#began) / 1000).toFixed(1).padStart(7)
    process.stdout.write(`${at} s  ${line}\n`)
  }

  #breaks(line: string): void {
    this.#broken.push(line)
    const load = loadavg()[0]?.toFixed(1)
    this.#tell(`BROKEN (load of this machine ${load}): ${line}`)
  }

  #report(verdicts: readonly Verdict[]): string {
    const { said } = this.#workload
    const tasks = said.jobs.reduce((sum, job) => sum + job.tasks, 0)
    const most = (of: (verdict: Verdict) => number) => Math.max(...verdicts.map(of))
    return [
      this.#figures.table(),
      '',
      `faults injected: ${this.#figures.faults}`,
      `jobs acknowledged: ${said.jobs.length} (${tasks} tasks); not answered ${said.unanswered}, refused ${said.refused.length}${reasonsOf(said.refused)}`,
      ...verdicts.flatMap((verdict, nth) => [
        `${nth === 0 ? 'after the faults' : 'after the restore of the first backup'}:`,
        ...verdictLines(verdict),
      ]),
      `lost: ${most(({ lost }) => lost)}`,
      `double runs: ${most(({ doubleRuns }) => doubleRuns)}`,
    ].join('\n')
  }
}

function verdictLines({ finished, counters, repeated, firings, forgotten }: Verdict): string[] {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .sort()
      .join(', ')
  return [
    `  ended: ${list(finished)}`,
    `  counters that reached exactly their N: ${counters.exact} (sum ${counters.sum})`,
    `  tasks begun again, by cause: ${list(repeated) || 'none'}`,
    `  due times: ${list(firings)}`,
    `  jobs forgotten by a restore, as told: ${forgotten}`,
  ]
}

/** Each once. */
const reasonsOf = (refused: readonly string[]) => {
  const codes = new Set(refused.map((line) => line.split(' ')[1]))
  return codes.size === 0 ? '' : ` (${[...codes].join(', ')})`
}

const edgeLines = (edges: readonly string[]) =>
  edges.length === 0
    ? []
    : ['where the promise ends (docs/guarantees.md):', ...edges.map((line) => `  ${line}`)]

function possibleOf(faults: readonly Fault[], around: Around): Fault[] {
  return faults.filter((fault) => {
    const why = fault.impossible?.(around) ?? null
    if (why !== null) around.tell(`cannot be made here: ${fault.kind} (${why})`)
    return why === null
  })
}

/** Shuffled by weight, again and again: a long run meets every kind, a short one those that weigh most. */
function* deckOf(faults: readonly Fault[], random: Random): Generator<Fault> {
  while (faults.length > 0) {
    const keyed = faults.map((fault) => ({ fault, key: random.delay(1) / fault.weight }))
    for (const { fault } of keyed.toSorted((a, b) => a.key - b.key)) yield fault
  }
}
