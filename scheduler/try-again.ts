/** A scheduler whose database cannot be written serves for reading, and begins anew until it can be. */
import { setTimeout as delay } from 'node:timers/promises'

import { startScheduler, type RunningScheduler, type SchedulerOptions } from './scheduler.ts'

const tryAgainMs = 15_000

/**
 * Rejects where the first start fails. One that fails later goes to `onFailure`, as a store that fails does: whoever
 * watches the process begins it again.
 */
export async function startUntilWritable(
  options: SchedulerOptions,
): Promise<Pick<RunningScheduler, 'url' | 'stop'>> {
  let running = await startScheduler(options)
  const { url, port } = running
  const end = new AbortController()
  const beginAnew = async (): Promise<void> => {
    while (running.readOnly !== null) {
      options.log.error({ event: 'read-only', error: running.readOnly })
      await delay(tryAgainMs, undefined, { signal: end.signal })
      await running.stop()
      running = await startScheduler({ ...options, port })
    }
  }
  const trying = beginAnew().catch((error: unknown) => {
    if (!end.signal.aborted) options.onFailure(error as Error)
  })
  return {
    url,
    async stop() {
      end.abort()
      await trying
      await running.stop()
    },
  }
}
