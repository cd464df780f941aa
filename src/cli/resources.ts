/** `eg resources`: the named resources of the grid. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { resourcesText } from './render/resource.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { resources } = await (await client()).call('listResources')
    terminal.out(values.json ? json(resources) : resourcesText(resources, terminal))
    return 0
  },
})
