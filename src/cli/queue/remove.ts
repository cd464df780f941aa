/** `eg queue remove`: forgets a queue that nothing uses. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] QUEUE',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [queue = ''], terminal, client }) {
    await (await client()).call('removeQueue', { params: { queue } })
    terminal.out(values.json ? json({ removed: queue }) : `queue ${queue} removed\n`)
    return 0
  },
})
