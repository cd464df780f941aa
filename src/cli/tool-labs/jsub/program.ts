/** `jsub`, `jstart`, `qcronsub`: submit a job as Tool Labs did, one request to the scheduler. */
import { ClientError } from '../../../client/client-error.ts'
import type { Client } from '../../../client/client.ts'
import type { Program } from '../../programs.ts'
import type { Terminal } from '../../terminal.ts'
import type { JsubJob } from './job.ts'
import { refusal, tell, touchFiles } from './refusal.ts'
import { understandJsub } from './understand.ts'

const usage = (name: string) => `usage: ${name} [options...] program [args...]\n`
const options = `
  -N NAME        name (default: the program's, up to its first dot)
  -once          refuse while a job of this name is queued or running
  -continuous    keep it running until it exits with 0 (jstart: with -once)
  -mem SIZE      memory, as in 256m or 1g (default 512m)
  -quiet         print nothing where all goes well
  -stderr        do not write refusals into the job's error file
  -umask MODE    of output files that are not there yet
  -cwd, -wd DIR  working folder (default: the home)
  -o, -e FILE, -j y, -i FILE, -a TIME, -p PRIORITY, -q QUEUE, -v NAME=VALUE, -l RESOURCE=VALUE, -sync y
                 as qsub has them
`

export const program: Program = async ({ name, argv, terminal, client, account, host }) => {
  if (['-h', '-help', '--help'].includes(argv[0] ?? '')) {
    terminal.out(usage(name) + options)
    return 0
  }
  const understood = understandJsub(name, argv, {
    ...account(),
    home: terminal.env['HOME'] ?? account().home,
    host,
    cwd: terminal.cwd,
    env: terminal.env,
    now: terminal.now(),
    uid: process.getuid?.() ?? 0,
  })
  if (!understood.ok && understood.what !== 'not-executable') {
    terminal.err(`${usage(name)}${name}: error: ${understood.problem}\n`)
    return 2
  }
  const { job } = understood
  const problem = understood.ok ? touchFiles(job) : understood.problem
  if (problem !== null) {
    tell(terminal, job, [refusal(terminal.now(), problem)])
    return 1
  }
  for (const note of job.quiet ? [] : job.notes) terminal.say(note)
  return submit(await client(), job, terminal)
}

async function submit(grid: Client, job: JsubJob, terminal: Terminal): Promise<number> {
  const { request } = job
  try {
    const { job: id, warnings } = await grid.call('submitJob', { body: request })
    for (const warning of job.quiet ? [] : warnings) terminal.say(warning)
    if (!job.quiet) terminal.out(`Your job ${id} ("${request.name}") has been submitted\n`)
    if (!job.sync) return 0
    const { waitedFor } = await import('../../grid-engine/qsub-wait.ts')
    return await waitedFor(grid, id, terminal)
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    if (error.code === 'name-taken') {
      const text = `there is a job named '${request.name}' already active`
      tell(terminal, job, [refusal(terminal.now(), text)])
      return 1
    }
    // The words and statuses of qsub; 25 is "not now, too many".
    const hint = error.hint === null ? [] : [error.hint]
    tell(terminal, job, [`Unable to run job: ${error.detail}`, ...hint, 'Exiting.'])
    return error.code === 'over-quota' ? 25 : 1
  }
}
