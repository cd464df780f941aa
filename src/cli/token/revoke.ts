/** `eg token revoke`: ends a token. */
import { exitStatus } from '../../../proto/error-list.ts'
import { CommandError, defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME|NUMBER',
  options: {},
  operands: [1, 1],
  notes:
    'By the name that you gave it, or by its number in "eg token list"; operators also end those of others.',
  async run({ values, operands: [word = ''], terminal, client }) {
    const grid = await client()
    const { tokens } = /^\d+$/.test(word) ? { tokens: [] } : await grid.call('listTokens')
    const named = tokens.find(({ name, revoked }) => name === word && revoked === null)
    if (named === undefined && !/^\d+$/.test(word)) {
      const hint = 'see "eg token list"'
      throw new CommandError(`you have no token "${word}"`, { exit: exitStatus.notFound, hint })
    }
    const token = String(named?.id ?? word)
    const ended = await grid.call('revokeToken', { params: { token } })
    terminal.out(
      values.json ? json(ended) : `token ${ended.id} "${ended.name}" opens nothing any more\n`,
    )
    return 0
  },
})
