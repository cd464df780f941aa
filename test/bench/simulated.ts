/** The scheduler before many simulated exec-nodes that speak to it over real HTTP. */
import { setTimeout as delay } from 'node:timers/promises'

import { until } from '../support/wait.ts'
import {
  nextLine,
  processorMs,
  program,
  startScheduler,
  temporaryFolder,
  type Scheduler,
} from './daemons.ts'
import { median, say, whole, type Line } from './row.ts'
import type { SimulatedInput } from './simulated-nodes.ts'
import { request } from './submits.ts'

async function withNodes<T>(
  shape: Pick<SimulatedInput, 'nodes' | 'slots' | 'reportMs'>,
  work: (scheduler: Scheduler) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder()
  const scheduler = await startScheduler(folder.path)
  const { url, nodeSecret: bearer } = scheduler
  const simulated = program('simulated-nodes', { url, bearer, ...shape })
  try {
    await nextLine(simulated.lines)
    return await work(scheduler)
  } finally {
    await simulated.process.stop('SIGKILL')
    await scheduler.stop()
    folder.remove()
  }
}

const nodes = 1_000
const slots = 16

/** Fills the whole grid, three times; counts until the scheduler knows of each run that it began. */
export async function measureStarts(): Promise<Line[]> {
  const rates = await withNodes({ nodes, slots, reportMs: 5_000 }, async (scheduler) => {
    const connection = await scheduler.connect()
    const found: number[] = []
    const tasks = nodes * slots
    for (let round = 0; round < 3; round++) {
      const from = performance.now()
      const array = { from: 1, to: tasks, step: 1 }
      await connection.json('POST', '/v1/jobs', { ...request, array })
      const list = async () =>
        (await connection.json<{ jobs: { counts: { running: number } }[] }>('GET', '/v1/jobs')).jobs
      await until(async () => (await list())[0]?.counts.running === tasks, {
        everyMs: 25,
        timeoutMs: 60_000,
      })
      found.push(tasks / ((performance.now() - from) / 1000))
      say(`${whole(found.at(-1) ?? 0)} starts/s`)
      await connection.json('POST', '/v1/jobs/stop', { all: true })
      await until(async () => (await list()).length === 0, { timeoutMs: 60_000 })
    }
    connection.close()
    return found
  })
  const rate = median(rates)
  return [
    {
      what: 'starts over real HTTP on 1,000 simulated nodes of 16 slots',
      budget: '5,000 /s',
      measured: `${whole(rate)} /s`,
      good: rate >= 5_000,
    },
  ]
}

const watchedMs = 20_000

export async function measureReports(): Promise<Line[]> {
  const share = await withNodes({ nodes: 10_000, slots, reportMs: 5_000 }, async ({ pid }) => {
    // Joined nodes take up their pace within one interval.
    await delay(6_000)
    const before = processorMs(pid)
    const from = performance.now()
    await delay(watchedMs)
    return (processorMs(pid) - before) / (performance.now() - from)
  })
  return [
    {
      what: '10,000 simulated nodes reporting every 5 s: the scheduler’s share of a core',
      budget: 'under 1.00',
      measured: share.toFixed(2),
      good: share < 1,
    },
  ]
}
