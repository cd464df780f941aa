/** `eg schedule add`: a job to be submitted at due times. */
import { defineCommand, UsageError } from '../command.ts'
import { jobOptions } from '../job-options.ts'
import { jobRequest } from '../job-request.ts'
import { json } from '../render/json.ts'
import { printable } from '../render/table.ts'
import { timeText } from '../words.ts'
import { policies, policyOptions } from './options.ts'

export const command = defineCommand({
  usage: 'NAME EXPRESSION [OPTION…] -- COMMAND [ARGUMENT…]',
  options: { ...policyOptions, ...jobOptions },
  operands: [2, 2],
  takesCommand: 'after-dashes',
  notes: `EXPRESSION has five fields (minute hour day month weekday), in quotes: "0 3 * * *". @hourly, @daily, @weekly,
@monthly, @yearly and H in a field are spread by a stable hash of owner and name.`,
  async run({ values, operands: [name = '', expression = ''], rest, terminal, client }) {
    if (rest === null || rest.length === 0) {
      throw new UsageError(
        'name the command after --: eg schedule add NAME "EXPRESSION" -- COMMAND',
      )
    }
    const { now, ...around } = terminal
    const job = jobRequest({ ...values, name: values.name ?? name }, rest, {
      ...around,
      now: now(),
    })
    const body = { name, expression, job, ...policies(values) }
    const added = await (await client()).call('addSchedule', { body })
    for (const warning of added.warnings ?? []) terminal.say(warning)
    const next = added.next[0]
    terminal.out(
      values.json
        ? json(added)
        : printable(
            `schedule ${added.name} added${next === undefined ? '' : `, first due ${timeText(next)}`}`,
          ) + '\n',
    )
    return 0
  },
})
