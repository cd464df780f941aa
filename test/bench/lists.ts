/** Lists and the deletion of many jobs, at the HTTP socket. */
import { until } from '../support/wait.ts'
import { startScheduler, temporaryFolder, type Scheduler } from './daemons.ts'
import { openBrain, submitAll } from './filled.ts'
import type { RawConnection } from './raw-http.ts'
import { median, ms, seconds, timed, type Line } from './row.ts'
import { request } from './submits.ts'

const pending = 10_000
const million = 1_000_000

async function withPending<T>(
  count: number,
  work: (connection: RawConnection, scheduler: Scheduler) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder()
  try {
    const { brain, close } = await openBrain(folder.path)
    await submitAll(brain, count, request)
    await close()
    const scheduler = await startScheduler(folder.path)
    const connection = await scheduler.connect()
    try {
      return await work(connection, scheduler)
    } finally {
      connection.close()
      await scheduler.stop()
    }
  } finally {
    folder.remove()
  }
}

/** Median of 21 lists after 10 that warm up. */
async function listMs(connection: RawConnection, limit: number): Promise<number> {
  const took: number[] = []
  for (let round = 0; round < 31; round++) {
    const { tookMs, value } = await timed(() =>
      connection.request('GET', `/v1/jobs?limit=${limit}`),
    )
    if (value.status !== 200) throw new Error(`the list was answered ${value.status}`)
    if (round >= 10) took.push(tookMs)
  }
  return median(took)
}

export async function measureList(): Promise<Line[]> {
  const took = await withPending(pending, (connection) => listMs(connection, pending))
  return [
    {
      what: 'list of 10,000 pending jobs, whole',
      budget: '60 ms',
      measured: ms(took),
      good: took <= 60,
    },
  ]
}

export async function measureFirstPage(): Promise<Line[]> {
  const took = await withPending(million, (connection) => listMs(connection, 100))
  return [
    {
      what: 'first page of 100 jobs with 1,000,000 behind it',
      budget: '20 ms',
      measured: ms(took),
      good: took <= 20,
    },
  ]
}

export async function measureDeletion(): Promise<Line[]> {
  const tookMs: number[] = []
  for (let round = 0; round < 3; round++) {
    tookMs.push(
      await withPending(pending, async (connection) => {
        const from = performance.now()
        const { done } = await connection.json<{ done: unknown[] }>('POST', '/v1/jobs/stop', {
          all: true,
        })
        if (done.length !== pending) throw new Error(`${done.length} jobs were stopped`)
        await until(
          async () => {
            const path = '/v1/jobs?limit=1'
            return (await connection.json<{ jobs: unknown[] }>('GET', path)).jobs.length === 0
          },
          { everyMs: 5 },
        )
        return performance.now() - from
      }),
    )
  }
  const took = median(tookMs)
  return [
    {
      what: 'deleting 10,000 jobs, to the empty list',
      budget: '0.3 s',
      measured: seconds(took),
      good: took <= 300,
    },
  ]
}
