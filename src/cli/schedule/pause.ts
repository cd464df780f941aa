/** `eg schedule pause`: due times are skipped until it is resumed. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { ofOwner, ownerOption } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: { ...ownerOption, reason: { value: 'TEXT', help: 'why, kept in the ledger' } },
  operands: [1, 1],
  async run({ values, operands: [schedule = ''], terminal, client }) {
    const body = values.reason === undefined ? {} : { reason: values.reason }
    const input = { params: { schedule }, query: ofOwner(values), body }
    const paused = await (await client()).call('pauseSchedule', input)
    terminal.out(values.json ? json(paused) : `schedule ${paused.name} paused\n`)
    return 0
  },
})
