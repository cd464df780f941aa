/** `eg resource remove`: forgets a named resource that nothing asks for, or what one node has of it. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { nodeOption } from './node-option.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: nodeOption,
  operands: [1, 1],
  async run({ values, operands: [resource = ''], terminal, client }) {
    const query = values.node === undefined ? {} : { node: values.node }
    await (await client()).call('removeResource', { params: { resource }, query })
    const where = values.node === undefined ? '' : ` of ${values.node}`
    terminal.out(
      values.json
        ? json({ removed: resource, ...query })
        : `resource ${resource}${where} removed\n`,
    )
    return 0
  },
})
