/** `eg queue list`: the queues, highest priority first. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { queuesText } from '../render/queue.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { queues } = await (await client()).call('listQueues')
    terminal.out(values.json ? json(queues) : queuesText(queues, terminal))
    return 0
  },
})
