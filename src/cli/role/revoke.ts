/** `eg role revoke`: takes its role from an account. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] USER',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [owner = ''], terminal, client }) {
    await (await client()).call('revokeRole', { params: { owner } })
    terminal.out(values.json ? json({ revoked: owner }) : `${owner} has no role any more\n`)
    return 0
  },
})
