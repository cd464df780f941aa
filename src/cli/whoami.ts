/** `eg whoami`: as whom the scheduler knows the caller. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const known = await (await client()).call('whoAmI')
    const { token } = known
    const by = token === null ? '' : ` by the token "${token.name}" for ${token.scopes.join(', ')}`
    terminal.out(values.json ? json(known) : `${known.owner} (${known.rights})${by}\n`)
    return 0
  },
})
