/** What the fence alone does to a node whose lease is over. */
import { bootId, processStat, uptimeMs } from '../../../exec-node/process/boot.ts'
import { openFence } from '../../../exec-node/process/fence.ts'
import { until } from '../../support/wait.ts'
import type { Grid } from './grid.ts'

/** A fence, and a lease that is over; the agent is away until `end`, with which the lease has no end again. */
export async function fenced(grid: Grid): Promise<{ end: () => Promise<void> }> {
  const fence = openFence(grid.nodeDir)
  const pid = await until(() => fence.pid())
  const now = uptimeMs()
  await grid.lease({ kind: 'until', bootId, termAtUptimeMs: now, killAtUptimeMs: now + 500 })
  return {
    async end() {
      await grid.lease({ kind: 'endless' })
      fence.close()
      process.kill(pid, 'SIGKILL')
      await until(() => processStat(pid)?.lives !== true, { what: 'the end of the fence' })
      await grid.reopen()
    },
  }
}
