/** One owner has the whole grid and 100,000 waiting tasks: how long another's single job waits. Real daemons. */
import { setTimeout as delay } from 'node:timers/promises'

import { openClient } from '../../src/client/index.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'
import { ms, percentile, type Line } from './row.ts'

const slots = 4
const taskMs = 1_000
const newcomers = 20
/** Accounts that every system has. */
const [hog, newcomer] = ['daemon', 'nobody']

export async function measureNewcomer(): Promise<Line[]> {
  const what = `one job of a newcomer to a full grid where 100,000 tasks of ${taskMs / 1000} s wait, p50 / longest`
  const budget = `longest: ${ms(taskMs)} and a start`
  if (process.getuid?.() !== 0)
    return [{ what, budget, measured: 'needs root: two accounts', good: null }]
  const grid = await TestGrid.start({ slots })
  process.env['EVERGRID_DATA'] = grid.data
  const client = openClient({ url: grid.url })
  const submit = async (owner: string, more: object) => {
    const usual = { cwd: '/', out: '/dev/null', err: '/dev/null', memBytes: 2 ** 24 }
    const { job } = await client.call('submitJob', { body: { ...usual, owner, ...more } as never })
    return { params: { job: String(job) } }
  }
  try {
    const tasks = { array: { from: 1, to: 100_000, step: 1 }, command: ['sleep', '1'] }
    const full = await submit(hog, tasks)
    const isFull = async () => (await client.call('showJob', full)).counts.running === slots
    await until(isFull, { what: 'a full grid' })
    const tookMs: number[] = []
    for (let nth = 0; nth < newcomers; nth++) {
      // Never in step with the ends of the tasks.
      await delay(Math.random() * taskMs)
      const one = await submit(newcomer, { command: ['true'] })
      const { submittedAt, startedAt } = await client.call('waitJob', one)
      tookMs.push(Date.parse(startedAt ?? '') - Date.parse(submittedAt))
    }
    await client.call('stopJobs', { body: { all: true, owner: '*' } })
    const longest = Math.max(...tookMs)
    return [
      {
        what,
        budget,
        measured: `${ms(percentile(tookMs, 0.5))} / ${ms(longest)}`,
        good: longest <= taskMs + 100,
      },
    ]
  } finally {
    client.close()
    await grid.end()
  }
}
