/** What a pending job costs the scheduler in memory, all in. */
import { residentBytes, startScheduler, temporaryFolder } from './daemons.ts'
import { whole, type Line } from './row.ts'
import { submitMany } from './submits.ts'

export async function measureMemory(): Promise<Line[]> {
  const folder = temporaryFolder()
  const scheduler = await startScheduler(folder.path)
  try {
    const rest = residentBytes(scheduler.pid)
    const perJob = () => (residentBytes(scheduler.pid) - rest) / jobs
    let jobs = 0
    const submitTo = async (count: number) => {
      await submitMany(scheduler, count - jobs)
      jobs = count
      return perJob()
    }
    const few = await submitTo(10_000)
    const many = await submitTo(100_000)
    return [
      {
        what: 'memory of the scheduler per pending job over rest, with 10,000 / 100,000 jobs',
        budget: '1,024 bytes',
        measured: `${whole(few)} / ${whole(many)} bytes`,
        good: few <= 1_024,
      },
    ]
  } finally {
    await scheduler.stop()
    folder.remove()
  }
}
