/** `eg node show`: one node with health, lease and drain. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { nodeText } from '../render/node.ts'

export const command = defineCommand({
  usage: '[OPTION…] NODE',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [node = ''], terminal, client }) {
    const found = await (await client()).call('showNode', { params: { node } })
    terminal.out(values.json ? json(found) : nodeText(found, terminal))
    return 0
  },
})
