/** `eg wait`: waits for jobs and exits as they did. */
import { parseJobRef } from '../../proto/ids.ts'
import { causeText } from '../../proto/words.ts'
import type { Client } from '../client/client.ts'
import { defineCommand, CommandError } from './command.ts'
import { jobStatus, untilFinished, untilTaskFinished, waitPatienceMs } from './job-end.ts'
import { json } from './render/json.ts'
import type { Terminal } from './terminal.ts'
import { duration } from './values.ts'

export const command = defineCommand({
  usage: '[OPTION…] JOB…',
  options: {
    timeout: { value: 'DURATION', help: 'give up after so long' },
  },
  operands: [1, Number.MAX_SAFE_INTEGER],
  endsAsJob: () => true,
  notes: `Exit status: the job's; 128+N where signal N ended it; 143 where the grid ended it (stopped, time limit, node
lost), 137 out of memory, 126 or 127 where it could not start. Of an array: that of its lowest-numbered task
that did not succeed. Of several jobs: that of the first named one that did not succeed. 125: eg itself failed.`,
  async run({ values, operands, terminal, client }) {
    const timeoutMs = duration('timeout', values.timeout)
    const grid = await client({ patienceMs: waitPatienceMs })
    const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
    try {
      return await waitForJobs(operands, { json: values.json, terminal, client: grid, signal })
    } catch (error) {
      if (signal?.aborted) throw new CommandError(`not finished within ${values.timeout}`)
      throw error
    }
  },
})

type Waiting = {
  json: boolean
  terminal: Terminal
  client: Client
  signal?: AbortSignal | undefined
}

export async function waitForJobs(jobs: readonly string[], waiting: Waiting): Promise<number> {
  const { client, terminal } = waiting
  const ended = await Promise.all(
    jobs.map(async (job) => {
      const ref = parseJobRef(job)
      if (ref.kind === 'number' && ref.index !== null) {
        return untilTaskFinished(client, { job: ref.job, index: ref.index }, waiting.signal)
      }
      const summary = await untilFinished(client, job, {
        signal: waiting.signal,
        onWaiting: terminal.say,
      })
      return { summary, cause: summary.cause, status: await jobStatus(client, summary) }
    }),
  )
  if (waiting.json) {
    const [only, ...more] = ended.map(({ summary }) => summary)
    terminal.out(json(more.length === 0 ? only : [only, ...more]))
  } else {
    for (const { summary, cause, status, ...of } of ended) {
      const why = cause === null ? (summary.outcome ?? '') : causeText(cause)
      const which = 'index' in of ? `task ${summary.id}.${of.index}` : `job ${summary.id}`
      if (status !== 0) terminal.say(`${which} ${summary.name}: ${why}`)
    }
  }
  return ended.find(({ status }) => status !== 0)?.status ?? 0
}
