/** `eg resource show`: who holds a named resource since when, and who waits for it. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { resourceText } from '../render/resource.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [resource = ''], terminal, client }) {
    const found = await (await client()).call('showResource', { params: { resource } })
    terminal.out(values.json ? json(found) : resourceText(found, terminal))
    return 0
  },
})
