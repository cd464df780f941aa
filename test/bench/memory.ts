/**
 * What a pending job costs the scheduler in memory, all in: the resident set of its process, at rest before and after.
 * What comes in leaves garbage behind, and V8 collects it by itself when little happens: both figures are told.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { residentBytes, startScheduler, temporaryFolder, type Scheduler } from './daemons.ts'
import { whole, type Line } from './row.ts'
import { submitMany } from './submits.ts'

/** V8 looks some ten seconds after the last work, and once more some ten seconds later. */
const restMs = 25_000
/** The code that takes jobs in is compiled with these. */
const firstJobs = 1_000

type Figure = { atOnce: number; atRest: number }

async function measureGrowth(scheduler: Scheduler, counts: readonly number[]): Promise<Figure[]> {
  await submitMany(scheduler, firstJobs)
  await delay(restMs)
  const rest = residentBytes(scheduler.pid)
  const figures: Figure[] = []
  let jobs = 0
  for (const count of counts) {
    await submitMany(scheduler, count - jobs)
    jobs = count
    const perJob = () => (residentBytes(scheduler.pid) - rest) / jobs
    const atOnce = perJob()
    await delay(restMs)
    figures.push({ atOnce, atRest: perJob() })
  }
  return figures
}

export async function measureMemory(): Promise<Line[]> {
  const folder = temporaryFolder()
  const scheduler = await startScheduler(folder.path)
  try {
    const figures = await measureGrowth(scheduler, [10_000, 100_000])
    const each = (figure: keyof Figure) => figures.map((one) => whole(one[figure])).join(' / ')
    return [
      {
        what: 'memory of the scheduler per pending job over rest, with 10,000 / 100,000 jobs, at rest (as they came in)',
        budget: '1,024 bytes',
        measured: `${each('atRest')} bytes (${each('atOnce')})`,
        good: figures.every(({ atRest }) => atRest <= 1_024),
      },
    ]
  } finally {
    await scheduler.stop()
    folder.remove()
  }
}
