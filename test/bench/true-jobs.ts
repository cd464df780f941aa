/** `true` jobs from submit to end through one node with 16 slots, beside plain spawn in the same run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'
import { nextLine, program } from './daemons.ts'
import { RawConnection } from './raw-http.ts'
import { median, say, whole, type Line } from './row.ts'
import type { SpawnInput } from './spawn-loop.ts'
import { submitMany } from './submits.ts'

const slots = 16
const spawns = 2_000
const jobs = 1_000
const plainRun: SpawnInput = { count: spawns, atOnce: slots }

export async function measureTrueJobs(): Promise<Line[]> {
  const grid = await TestGrid.start({ slots })
  const secret = readFileSync(join(grid.data, 'scheduler', 'secret'), 'utf8').trim()
  const connection = await RawConnection.open(grid.url, secret)
  try {
    const ratios: number[] = []
    const rates: number[] = []
    for (let round = 0; round < 4; round++) {
      const plain = await nextLine(program<{ tookMs: number }>('spawn-loop', plainRun).lines)
      const { fromMs } = await submitMany({ url: grid.url, secret }, jobs)
      await until(() => isEmpty(connection), { everyMs: 10, timeoutMs: 120_000 })
      const tookMs = performance.timeOrigin + performance.now() - fromMs
      const [plainRate, rate] = [spawns / (plain.tookMs / 1000), jobs / (tookMs / 1000)]
      say(`spawn ${whole(plainRate)} /s, grid ${whole(rate)} /s`)
      // The first round warms the daemons up.
      if (round === 0) continue
      ratios.push(rate / plainRate)
      rates.push(rate)
    }
    const ratio = median(ratios)
    return [
      {
        what: '`true` jobs end to end through one node with 16 slots',
        budget: 'a third of plain spawn',
        measured: `${whole(median(rates))} /s, ${ratio.toFixed(2)} of plain spawn`,
        good: ratio >= 1 / 3,
      },
    ]
  } finally {
    connection.close()
    await grid.end()
  }
}

async function isEmpty(connection: RawConnection): Promise<boolean> {
  const { jobs: left } = await connection.json<{ jobs: unknown[] }>('GET', '/v1/jobs?limit=1')
  return left.length === 0
}
