/** `eg token list`: the tokens that one has made. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { tokensText } from '../render/rights.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: { all: { short: 'a', help: 'operators: of every owner' } },
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const query = values.all ? { all: true } : {}
    const { tokens } = await (await client()).call('listTokens', { query })
    if (values.json) terminal.out(json(tokens))
    else if (tokens.length === 0) terminal.say('no tokens')
    else terminal.out(tokensText(tokens, values.all, terminal))
    return 0
  },
})
