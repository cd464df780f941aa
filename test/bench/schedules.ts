/** How late schedules fire when 50,000 are due in one minute. */
import { nodeFlagsOf } from '../../src/cli/daemons/entry.ts'
import { nextLine, program } from './daemons.ts'
import type { HerdInput, HerdOutput } from './herd.ts'
import { percentile, seconds, type Line } from './row.ts'

export async function measureSchedules(): Promise<Line[]> {
  const input: HerdInput = { schedules: 50_000 }
  const herd = program<HerdOutput>('herd', input, nodeFlagsOf('scheduler'))
  const { lateMs } = await nextLine(herd.lines)
  const p99 = percentile(lateMs, 0.99)
  return [
    {
      what: '50,000 schedules due at the same second: lateness of the committed firing, p99',
      budget: '1 s',
      measured: seconds(p99),
      good: p99 <= 1_000,
    },
  ]
}
