/** `eg show`: everything that is known about a job. */
import { defineCommand, UsageError } from './command.ts'
import { jobText } from './render/job.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] JOB',
  options: {
    tasks: { value: 'A-B', help: 'these tasks of an array (default: the first page)' },
  },
  operands: [1, 1],
  async run({ values, operands: [job = ''], terminal, client }) {
    if (values.tasks !== undefined && !/^\d+(-\d+)?$/.test(values.tasks)) {
      throw new UsageError(`--tasks: "${values.tasks}" is not A-B; write for example 101-200`)
    }
    const [from, to = from] = (values.tasks ?? '').split('-').map(Number)
    if (Number(to) < Number(from))
      throw new UsageError(`--tasks: ${values.tasks} ends before it begins`)
    const query = values.tasks === undefined ? {} : { tasks: values.tasks }
    const detail = await (await client()).call('showJob', { params: { job }, query })
    terminal.out(values.json ? json(detail) : jobText(detail, terminal))
    return 0
  },
})
