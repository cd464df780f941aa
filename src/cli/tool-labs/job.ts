/** `job`: whether a job of a name is queued or running, as text and as exit status. */
import type { Program } from '../programs.ts'
import { timeText } from '../words.ts'
import { isActive, namedJob } from './named-job.ts'

const usage = 'usage: job [-q | -v] name\n'

/** 0: there is none, 1: it runs or is suspended, 2: it is queued. */
export const program: Program = async ({ argv, terminal, client }) => {
  const flags = argv.filter((word) => word === '-q' || word === '-v')
  const [name, ...more] = argv.filter((word) => word !== '-q' && word !== '-v')
  if (name === undefined || name.startsWith('-') || more.length > 0 || flags.length > 1) {
    const asked = ['-h', '-help', '--help'].includes(name ?? '')
    if (asked) terminal.out(usage)
    else terminal.err(usage)
    return asked ? 0 : 2
  }
  const job = await namedJob(await client(), name)
  const tells = flags[0] === '-v'
  if (job === null) {
    if (tells) terminal.out(`No job '${name}' is currently queued or running.\n`)
    return 0
  }
  const runs = isActive(job)
  if (tells) {
    const since = timeText(job.startedAt ?? job.submittedAt).replace(' ', 'T')
    terminal.out(
      runs
        ? `Job '${name}' has been running since ${since} as id ${job.id}\n`
        : `Job '${name}' is pending as id ${job.id}\n`,
    )
  } else if (flags.length === 0) terminal.out(`${job.id}\n`)
  return runs ? 1 : 2
}
