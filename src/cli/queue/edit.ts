/** `eg queue edit`: what is said replaces what was said before; what waits is judged anew, what runs goes on. */
import { defineCommand, UsageError } from '../command.ts'
import { json } from '../render/json.ts'
import { queueText } from '../render/queue.ts'
import { queueEdit, queueOptions } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] QUEUE',
  options: queueOptions,
  operands: [1, 1],
  async run({ values, operands: [name = ''], terminal, client }) {
    const body = queueEdit(values)
    if (Object.keys(body).length === 0) throw new UsageError('say what to change')
    const queue = await (await client()).call('editQueue', { params: { queue: name }, body })
    terminal.out(values.json ? json(queue) : queueText(queue, terminal))
    return 0
  },
})
