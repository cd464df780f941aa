/** `jstop`: stops the job of a name, and returns when it is gone. */
import { stopMarginMs, untilFinished } from '../job-end.ts'
import type { Program } from '../programs.ts'
import { isActive, namedJob } from './named-job.ts'

export const program: Program = async ({ argv, terminal, client }) => {
  const [name, ...more] = argv
  if (name === undefined || name.startsWith('-') || more.length > 0) {
    const asked = ['-h', '-help', '--help'].includes(name ?? '')
    if (asked) terminal.out('usage: jstop name\n')
    else terminal.err('usage: jstop name\n')
    return asked ? 0 : 2
  }
  const grid = await client()
  const job = await namedJob(grid, name)
  if (job === null) {
    terminal.err(`No job '${name}' is currently queued or running\n`)
    return 1
  }
  const { refused } = await grid.call('stopJobs', {
    body: { jobs: [String(job.id)], why: 'jstop' },
  })
  const [no] = refused
  if (no !== undefined) {
    terminal.say(no.detail)
    return 1
  }
  if (!isActive(job)) {
    terminal.out(`${job.owner} has deleted job ${job.id}\n`)
    return 0
  }
  terminal.out(`${job.owner} has registered the job ${job.id} for deletion\n`)
  const { spec } = await grid.call('showJob', { params: { job: String(job.id) } })
  const late = AbortSignal.timeout(spec.stop.graceMs + stopMarginMs)
  try {
    await untilFinished(grid, String(job.id), { signal: late })
  } catch (error) {
    if (!late.aborted) throw error
    terminal.say(
      `job ${job.id} is not gone yet (see eg show ${job.id}); a new job of its name starts when it is`,
    )
  }
  return 0
}
