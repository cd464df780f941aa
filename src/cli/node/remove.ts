/** `eg node remove`: forgets an empty node. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] NODE',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [node = ''], terminal, client }) {
    await (await client()).call('removeNode', { params: { node } })
    terminal.out(values.json ? json({ removed: node }) : `node ${node} removed\n`)
    return 0
  },
})
