/** `eg schedule resume`: ends a pause. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { timeText } from '../words.ts'
import { ofOwner, ownerOption } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: ownerOption,
  operands: [1, 1],
  async run({ values, operands: [schedule = ''], terminal, client }) {
    const input = { params: { schedule }, query: ofOwner(values) }
    const resumed = await (await client()).call('resumeSchedule', input)
    const next = resumed.next[0] === undefined ? '' : `, next due ${timeText(resumed.next[0])}`
    terminal.out(values.json ? json(resumed) : `schedule ${resumed.name} resumed${next}\n`)
    return 0
  },
})
