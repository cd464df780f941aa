/** `eg schedule show`: a schedule, what is due next, and its ledger. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { scheduleText } from '../render/schedule.ts'
import { whole } from '../values.ts'
import { ofOwner, ownerOption } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: {
    ...ownerOption,
    limit: { value: 'N', help: 'entries of the ledger (default 20)' },
  },
  operands: [1, 1],
  async run({ values, operands: [schedule = ''], terminal, client }) {
    const said = whole('limit', values.limit, [1, 1000])
    const limit = said ?? (values.json ? undefined : 20)
    const query = { ...ofOwner(values), ...(limit === undefined ? {} : { limit }) }
    const found = await (await client()).call('showSchedule', { params: { schedule }, query })
    terminal.out(values.json ? json(found) : scheduleText(found, terminal))
    return 0
  },
})
