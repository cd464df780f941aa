/** `eg schedule remove`: no more firings; what runs goes on. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { ofOwner, ownerOption } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: ownerOption,
  operands: [1, 1],
  async run({ values, operands: [schedule = ''], terminal, client }) {
    const input = { params: { schedule }, query: ofOwner(values) }
    await (await client()).call('removeSchedule', input)
    terminal.out(values.json ? json({ removed: schedule }) : `schedule ${schedule} removed\n`)
    return 0
  },
})
