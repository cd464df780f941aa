/** What a finished job is as an exit status, and waiting for that end. */
import { constants } from 'node:os'

import type { Cause } from '../../proto/cause.ts'
import type { JobSummary } from '../../proto/job.ts'
import type { Client } from '../client/client.ts'

/** A scheduler may be away for so long while somebody waits for a job. */
export const waitPatienceMs = 3_600_000
/** Beside a run's grace: until the node has heard of a stop, and until the kernel has ended what was killed. */
export const stopMarginMs = 20_000
const pollMs = 30_000
/** A job that has not begun by then is worth a word about why. */
const firstPollMs = 5_000

/** As a shell would say it: 128+N for a signal; what the grid ended is as if by SIGTERM. */
function causeStatus(cause: Cause | null): number {
  if (cause === null) return 1
  switch (cause.kind) {
    case 'outcome-unknown':
    case 'dependency-failed':
      return 1
    case 'exit':
      return cause.code === 0 ? 1 : cause.code
    case 'signal':
      return 128 + (constants.signals[cause.signal as NodeJS.Signals] ?? 0)
    case 'out-of-memory':
      return 128 + constants.signals.SIGKILL
    case 'could-not-start':
      // As a shell says it: 127 is for a command that is not there, not for its folder.
      return cause.call === 'execve' && cause.error === 'ENOENT' ? 127 : 126
    case 'cancelled':
    case 'restarted':
    case 'drained':
    case 'node-lost':
    case 'lease-expired':
    case 'time-limit':
    case 'unhealthy':
      return 128 + constants.signals.SIGTERM
    default:
      return cause satisfies never
  }
}

export async function untilFinished(
  client: Client,
  job: string,
  {
    signal,
    onWaiting,
  }: { signal?: AbortSignal | undefined; onWaiting?: (why: string) => void } = {},
): Promise<JobSummary> {
  for (let isFirst = true; ; isFirst = false) {
    const summary = await client.call(
      'waitJob',
      { params: { job }, query: { timeoutMs: isFirst && onWaiting ? firstPollMs : pollMs } },
      { patienceMs: waitPatienceMs, signal },
    )
    if (summary.state === 'finished') return summary
    if (isFirst && onWaiting && summary.state === 'pending') {
      const { summary: why } = await client.call(
        'explainJob',
        { params: { job } },
        { patienceMs: waitPatienceMs, signal },
      )
      onWaiting(`job ${summary.id} ${why} (eg explain ${summary.id})`)
    }
  }
}

const taskPollMs = 2_000

/** One task of a job, as `17.3`; the rest of the job may go on. */
export async function untilTaskFinished(
  client: Client,
  { job, index }: { job: number; index: number },
  signal?: AbortSignal,
): Promise<{ summary: JobSummary; index: number; cause: Cause | null; status: number }> {
  const params = { job: `${job}.${index}` }
  const options = { patienceMs: waitPatienceMs, signal }
  for (;;) {
    const { tasks, ...summary } = await client.call('showJob', { params, query: {} }, options)
    const [task] = tasks
    if (task?.state === 'finished') {
      const { outcome, cause } = task
      return { summary, index, cause, status: outcome === 'succeeded' ? 0 : causeStatus(cause) }
    }
    await client.call('waitJob', { params, query: { timeoutMs: taskPollMs } }, options)
  }
}

/** Of an array: the status of its lowest-numbered task that did not succeed. */
export async function jobStatus(client: Client, job: JobSummary): Promise<number> {
  if (job.outcome === 'succeeded') return 0
  if (job.array === null) return causeStatus(job.cause)
  const failed = await firstFailed(client, job)
  return causeStatus(failed ?? job.cause)
}

async function firstFailed(client: Client, { id, array }: JobSummary): Promise<Cause | null> {
  let from: number | null = array?.from ?? 1
  while (from !== null) {
    const query: { tasks: string } = { tasks: `${from}-${array?.to ?? from}` }
    const page: {
      tasks: { outcome: string | null; cause: Cause | null }[]
      tasksNext: number | null
    } = await client.call('showJob', { params: { job: String(id) }, query })
    const failed = page.tasks.find(({ outcome }) => outcome !== 'succeeded')
    if (failed) return failed.cause
    from = page.tasksNext
  }
  return null
}
