/** `eg queue add`: a new queue. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { queueText } from '../render/queue.ts'
import { queueEdit, queueOptions } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] QUEUE',
  options: queueOptions,
  operands: [1, 1],
  async run({ values, operands: [name = ''], terminal, client }) {
    const body = { name, ...queueEdit(values) }
    const queue = await (await client()).call('addQueue', { body })
    terminal.out(values.json ? json(queue) : queueText(queue, terminal))
    return 0
  },
})
