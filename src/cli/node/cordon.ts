/** `eg node cordon`: no new placements; what runs there goes on. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const reasonOption = { reason: { value: 'TEXT', help: 'why, shown to everybody' } } as const

export const command = defineCommand({
  usage: '[OPTION…] NODE',
  options: reasonOption,
  operands: [1, 1],
  async run({ values, operands: [node = ''], terminal, client }) {
    const body = values.reason === undefined ? {} : { reason: values.reason }
    const cordoned = await (await client()).call('cordonNode', { params: { node }, body })
    terminal.out(
      values.json ? json(cordoned) : `node ${node} is cordoned; what runs there goes on\n`,
    )
    return 0
  },
})
