/** `eg submit`: one-off, array and continuous jobs. */
import { defineCommand, UsageError } from './command.ts'
import { jobOptions } from './job-options.ts'
import { jobRequest } from './job-request.ts'
import { json } from './render/json.ts'
import { counted } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…] [--] COMMAND [ARGUMENT…]',
  options: {
    ...jobOptions,
    owner: { value: 'USER', help: 'operators: submit for this account' },
    wait: { short: 'w', help: 'wait until it is finished, and exit as it did' },
    quiet: { short: 'q', help: 'print the job number alone' },
  },
  operands: [0, 0],
  takesCommand: 'first-operand',
  endsAsJob: ({ wait }) => wait,
  notes: `The command gets PATH, HOME, LANG, TZ and their kin from here, and JOB_ID, JOB_NAME, TASK_ID, NSLOTS and
TMPDIR; anything else must be passed on by --env.
With --wait the exit status is the job's (128+N for a signal, 125 for a failure of eg itself).`,
  async run({ values, rest, terminal, client }) {
    if (rest === null || rest.length === 0) {
      throw new UsageError('name the command to run: eg submit [OPTION…] -- COMMAND [ARGUMENT…]')
    }
    const around = { cwd: terminal.cwd, env: terminal.env, now: terminal.now() }
    const request = jobRequest(values, rest, around, values.owner === undefined)
    const owner = values.owner === undefined ? {} : { owner: values.owner }
    const grid = await client()
    const reply = await grid.call('submitJob', { body: { ...request, ...owner } })
    for (const warning of reply.warnings) terminal.say(warning)
    if (values.quiet) terminal.out(`${reply.job}\n`)
    else if (!values.json) {
      const tasks = request.array ? ` (${counted(reply.tasks, 'task')})` : ''
      terminal.out(`job ${reply.job} submitted${tasks}\n`)
    } else if (!values.wait) terminal.out(json(reply))
    if (!values.wait) return 0
    const { waitForJobs } = await import('./wait.ts')
    return waitForJobs([String(reply.job)], { json: values.json, terminal, client: grid })
  },
})
