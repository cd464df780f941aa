/** `eg share remove`: ends what `eg share add` began. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { sharingOf, sharingOptions } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] GROUP',
  options: sharingOptions,
  operands: [1, 1],
  async run({ values, operands: [group = ''], terminal, client }) {
    await (await client()).call('removeSharing', { params: { group }, query: sharingOf(values) })
    terminal.out(values.json ? json({ removed: group }) : `not shared with ${group} any more\n`)
    return 0
  },
})
