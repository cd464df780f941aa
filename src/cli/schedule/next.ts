/** `eg schedule next`: the next due times. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { whole } from '../values.ts'
import { timeText } from '../words.ts'
import { ofOwner, ownerOption } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: { ...ownerOption, count: { short: 'n', value: 'N', help: 'how many (default 10)' } },
  operands: [1, 1],
  async run({ values, operands: [schedule = ''], terminal, client }) {
    const count = whole('count', values.count, [1, 1000]) ?? 10
    const query = { ...ofOwner(values), count }
    const { next } = await (await client()).call('nextFirings', { params: { schedule }, query })
    terminal.out(values.json ? json(next) : next.map((at) => `${timeText(at)}\n`).join(''))
    return 0
  },
})
