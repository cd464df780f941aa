/** `eg dump`: continuous jobs and schedules as a file that `eg apply` reads. */
import { homedir } from 'node:os'

import { CommandError, defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { jobsFileText } from './jobs-file/file.ts'
import { written } from './jobs-file/keys.ts'
import { presentJobs } from './jobs-file/present.ts'
import { saidOf, unsaidOf } from './jobs-file/said.ts'

export const command = defineCommand({
  usage: '[OPTION…] [NAME…]',
  options: {},
  operands: [0, Number.MAX_SAFE_INTEGER],
  notes: `Without names: all of your continuous jobs and schedules. Jobs that run once are not in it, or "eg apply" would run them again.`,
  async run({ values, operands, terminal, client }) {
    const home = terminal.env['HOME'] ?? homedir()
    const wants = (name: string) => operands.length === 0 || operands.includes(name)
    const present = await presentJobs(await client(), { wants, once: false })
    const missing = operands.find((name) => present.every((each) => each.name !== name))
    if (missing !== undefined) {
      throw new CommandError(`you have no continuous job or schedule "${missing}"`, {
        exit: 5,
        hint: 'list them with `eg jobs` and `eg schedules`',
      })
    }
    const jobs = present.flatMap((each) => (each.kind === 'once' ? [] : [each]))
    for (const { kind, name, job } of jobs) {
      const unsaid = unsaidOf(job, kind)
      if (unsaid.length > 0)
        terminal.say(`${name}: a jobs file cannot say ${unsaid.join(' and ')}; it is left out`)
    }
    const said = jobs.map((each) => written(saidOf(each, home)))
    terminal.out(values.json ? json(said) : jobsFileText(said))
    return 0
  },
})
