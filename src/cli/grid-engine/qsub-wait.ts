/** `-sync y` and `-now y`: what follows a submit that is waited for. */
import { setTimeout as delay } from 'node:timers/promises'

import type { Cause } from '../../../proto/cause.ts'
import type { JobSummary, TaskView } from '../../../proto/job.ts'
import type { Client } from '../../client/client.ts'
import { untilFinished } from '../job-end.ts'
import type { Terminal } from '../terminal.ts'

/** A job that is to start now or never may wait so long for its place. */
const nowMs = 5_000

/** False: it did not start, and is gone. */
export async function startedAtOnce(
  client: Client,
  job: number,
  terminal: Terminal,
): Promise<boolean> {
  terminal.err('Waiting for immediate job to be scheduled.\n')
  const params = { job: String(job) }
  for (let waitedMs = 0; waitedMs < nowMs; waitedMs += 50) {
    const { state } = await client.call('waitJob', { params, query: { timeoutMs: 50 } })
    if (state !== 'pending' && state !== 'held') {
      terminal.err(`\nYour immediate job ${job} has been successfully scheduled.\n`)
      return true
    }
    await delay(0)
  }
  await client.call('stopJobs', { body: { jobs: [params.job], why: 'submitted with -now y' } })
  terminal.err('\nYour qsub request could not be scheduled; try again later.\n')
  return false
}

/** Waits for the end, deletes the job on an interrupt, and gives the status of the job. */
export async function waitedFor(client: Client, job: number, terminal: Terminal): Promise<number> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    const summary = await untilFinished(client, String(job), { signal: interrupted.signal })
    return await told(client, summary, terminal)
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    terminal.err('\nInterrupted!\nPlease wait while qsub shuts down.\n')
    await client.call('stopJobs', { body: { jobs: [String(job)], why: 'qsub -sync interrupted' } })
    return 1
  } finally {
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

/** One line for each task; the status is that of the first that failed. */
async function told(client: Client, summary: JobSummary, terminal: Terminal): Promise<number> {
  if (summary.array === null) {
    return printEnd(String(summary.id), summary.cause, summary.startedAt !== null, terminal)
  }
  let status = 0
  for (let from: number | null = summary.array.from; from !== null;) {
    const tasks: string = `${from}-${summary.array.to}`
    const page: { tasks: TaskView[]; tasksNext: number | null } = await client.call('showJob', {
      params: { job: String(summary.id) },
      query: { tasks },
    })
    for (const task of page.tasks) {
      if (!('index' in task)) continue
      const ended = printEnd(`${summary.id}.${task.index}`, task.cause, task.epoch > 0, terminal)
      status ||= ended
    }
    from = page.tasksNext
  }
  return status
}

function printEnd(which: string, cause: Cause | null, hasRun: boolean, terminal: Terminal): number {
  if (cause?.kind === 'exit') {
    const line = `Job ${which} exited with exit code ${cause.code}.\n`
    if (cause.code === 0) terminal.out(line)
    else terminal.err(line)
    return cause.code
  }
  const killed = cause !== null && (cause.kind === 'out-of-memory' || cause.kind === 'time-limit')
  if (killed || cause?.kind === 'signal') {
    const signal = cause.kind === 'signal' ? cause.signal : 'SIGKILL'
    terminal.err(`Job ${which} exited because of signal ${signal}\n`)
    return 1
  }
  // Deleted, lost, or never started: no success, whatever Grid Engine's own status says.
  terminal.err(hasRun ? `Job ${which} was aborted\n` : `Unable to run job ${which}\n`)
  return 1
}
