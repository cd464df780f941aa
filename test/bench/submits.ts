/** How fast jobs are taken in: single ones by 8 clients, and arrays. */
import { nextLine, program, startScheduler, temporaryFolder, type Scheduler } from './daemons.ts'
import { median, ms, whole, type Line } from './row.ts'
import type { SubmitInput, SubmitOutput } from './submit-clients.ts'

/** An ordinary request, as `eg submit` sends it. */
export const request = {
  name: 'bench',
  command: ['/bin/true'],
  cwd: '/tmp',
  env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/root', LANG: 'C.UTF-8', USER: 'root' },
  out: '/dev/null',
  err: '/dev/null',
  memBytes: 16 * 2 ** 20,
}

export async function submitMany(
  scheduler: Pick<Scheduler, 'url' | 'secret'>,
  count: number,
  body: object = request,
  clients = 8,
): Promise<SubmitOutput> {
  const { url, secret: bearer } = scheduler
  const input: SubmitInput = { url, bearer, clients, count, body }
  return nextLine(program<SubmitOutput>('submit-clients', input).lines)
}

export async function measureSubmits(): Promise<Line[]> {
  const folder = temporaryFolder()
  const scheduler = await startScheduler(folder.path)
  try {
    // The first thousand warm the scheduler up.
    await submitMany(scheduler, 1_000)
    const rates: number[] = []
    for (let round = 0; round < 3; round++) {
      const { tookMs } = await submitMany(scheduler, 6_000)
      rates.push(6_000 / (tookMs / 1000))
    }
    const rate = median(rates)
    return [
      {
        what: 'durable single submits over HTTP, 8 clients',
        budget: '3,000 /s',
        measured: `${whole(rate)} /s`,
        good: rate >= 3_000,
      },
    ]
  } finally {
    await scheduler.stop()
    folder.remove()
  }
}

export async function measureArrays(): Promise<Line[]> {
  const folder = temporaryFolder()
  const scheduler = await startScheduler(folder.path)
  try {
    const connection = await scheduler.connect()
    const submit = async (tasks: number) => {
      const array = { from: 1, to: tasks, step: 1 }
      const from = performance.now()
      await connection.json('POST', '/v1/jobs', { ...request, array })
      return performance.now() - from
    }
    for (let warm = 0; warm < 50; warm++) await submit(10)
    const took: Record<number, number> = {}
    for (const tasks of [10_000, 1_000_000]) {
      const times: number[] = []
      for (let round = 0; round < 20; round++) times.push(await submit(tasks))
      took[tasks] = median(times)
    }
    connection.close()
    const line = (tasks: number, budgetMs: number): Line => ({
      what: `submit of an array of ${whole(tasks)} tasks`,
      budget: ms(budgetMs),
      measured: ms(took[tasks] ?? Number.NaN),
      good: (took[tasks] ?? Number.NaN) <= budgetMs,
    })
    return [line(10_000, 10), line(1_000_000, 20)]
  } finally {
    await scheduler.stop()
    folder.remove()
  }
}
