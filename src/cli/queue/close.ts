/** `eg queue close`: nothing of a queue starts until it is opened; what runs goes on. */
import { defineCommand } from '../command.ts'
import { reasonOption } from '../node/cordon.ts'
import { json } from '../render/json.ts'
import { queueText } from '../render/queue.ts'

export const command = defineCommand({
  usage: '[OPTION…] QUEUE',
  options: reasonOption,
  operands: [1, 1],
  async run({ values, operands: [queue = ''], terminal, client }) {
    const body = values.reason === undefined ? {} : { reason: values.reason }
    const closed = await (await client()).call('closeQueue', { params: { queue }, body })
    terminal.out(values.json ? json(closed) : queueText(closed, terminal))
    return 0
  },
})
