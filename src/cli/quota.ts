/** `eg quota`: what an owner may use of the grid, what it uses, and which of its jobs use most. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { quotaText } from './render/quota.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: { owner: { value: 'NAME', help: 'of another account' } },
  operands: [0, 0],
  async run({ values: { owner, json: asJson }, terminal, client }) {
    const query = owner === undefined ? {} : { owner }
    const quota = await (await client()).call('showQuota', { query })
    terminal.out(asJson ? json(quota) : quotaText(quota, terminal))
    return 0
  },
})
