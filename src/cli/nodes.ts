/** `eg nodes`: the nodes of the grid. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { nodesText } from './render/node.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { nodes } = await (await client()).call('listNodes')
    if (values.json) terminal.out(json(nodes))
    else if (nodes.length === 0) terminal.say('no nodes; start one with "eg exec-node" or "eg up"')
    else terminal.out(nodesText(nodes, terminal))
    return 0
  },
})
