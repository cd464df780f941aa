/** From the submit call to the first instruction of the job, on an idle grid of real daemons. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { openClient } from '../../src/client/index.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'
import { ms, percentile, type Line } from './row.ts'

const jobs = 100
const warmUp = 10

export async function measureLatency(): Promise<Line[]> {
  const grid = await TestGrid.start({ slots: 16 })
  process.env['EVERGRID_DATA'] = grid.data
  const client = openClient({ url: grid.url })
  try {
    const tookMs: number[] = []
    for (let number = 0; number < warmUp + jobs; number++) {
      const out = join(grid.work, `out${number}`)
      const body = {
        name: 'bench',
        // Tells its time after it is loaded and linked: a millisecond or so on top of the first instruction.
        command: ['/bin/date', '+%s%N'],
        cwd: grid.work,
        out,
        err: '/dev/null',
        memBytes: 16 * 2 ** 20,
      }
      const from = performance.timeOrigin + performance.now()
      const { job } = await client.call('submitJob', { body })
      await client.call('waitJob', { params: { job: String(job) } })
      const text = await until(() => readFileSync(out, 'utf8').trim(), { what: 'the output' })
      if (number >= warmUp) tookMs.push(Number(BigInt(text) / 1000n) / 1000 - from)
      // Idle again, and never in step with a timer.
      await delay(50 + Math.random() * 100)
    }
    const [p50, p99] = [percentile(tookMs, 0.5), percentile(tookMs, 0.99)]
    return [
      {
        what: 'submit to first instruction of the job, idle grid, p50 / p99',
        budget: '20 / 60 ms',
        measured: `${ms(p50)} / ${ms(p99)}`,
        good: p50 <= 20 && p99 <= 60,
      },
    ]
  } finally {
    client.close()
    await grid.end()
  }
}
