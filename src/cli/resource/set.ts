/** `eg resource set`: how much there is of a named resource, in the grid or on one node. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { resourcesText } from '../render/resource.ts'
import { resourceTotal } from '../values.ts'
import { nodeOption } from './node-option.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME=TOTAL',
  options: nodeOption,
  operands: [1, 1],
  async run({ values, operands: [word = ''], terminal, client }) {
    const { node } = values
    const body = { ...resourceTotal(word), ...(node === undefined ? {} : { node }) }
    const resource = await (await client()).call('setResource', { body })
    terminal.out(values.json ? json(resource) : resourcesText([resource], terminal))
    return 0
  },
})
