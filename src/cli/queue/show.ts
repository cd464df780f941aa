/** `eg queue show`: a queue, and what is in it. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { queueText } from '../render/queue.ts'

export const command = defineCommand({
  usage: '[OPTION…] QUEUE',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [queue = ''], terminal, client }) {
    const found = await (await client()).call('showQueue', { params: { queue } })
    terminal.out(values.json ? json(found) : queueText(found, terminal))
    return 0
  },
})
