/** `eg node undrain`: ends a drain. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] NODE',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [node = ''], terminal, client }) {
    const open = await (await client()).call('undrainNode', { params: { node } })
    const still = open.reason === null ? 'takes new work' : `drains no more, but: ${open.reason}`
    terminal.out(values.json ? json(open) : `node ${node} ${still}\n`)
    return 0
  },
})
