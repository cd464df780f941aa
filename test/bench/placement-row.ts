/** The row of the placement core. */
import { benchPlacement } from './placement.ts'
import { ms, whole, type Line } from './row.ts'

export async function measurePlacement(): Promise<Line[]> {
  const { placementsPerSecond, idleTickMs } = benchPlacement()
  return [
    {
      what: 'placement alone, 1,000,000 pending tasks, 10,000 nodes',
      budget: '100,000 /s; idle tick 5 ms',
      measured: `${whole(placementsPerSecond)} /s; ${ms(idleTickMs)}`,
      good: placementsPerSecond >= 100_000 && idleTickMs < 5,
    },
  ]
}
