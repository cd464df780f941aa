/** `eg schedules`: one's schedules, or others'. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { schedulesText } from './render/schedule.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    all: { short: 'a', help: 'of every owner' },
    owner: { value: 'USER', help: 'of this owner' },
  },
  operands: [0, 0],
  async run({ values: { all, owner, json: asJson }, terminal, client }) {
    const query = { ...(all ? { all } : {}), ...(owner === undefined ? {} : { owner }) }
    const { schedules } = await (await client()).call('listSchedules', { query })
    if (asJson) terminal.out(json(schedules))
    else if (schedules.length === 0) terminal.say('no schedules')
    else terminal.out(schedulesText(schedules, all || owner !== undefined, terminal))
    return 0
  },
})
