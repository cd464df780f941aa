/** `eg quota list`: all that was said about limits beside what is built in. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { quotaRulesText } from '../render/quota.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { rules } = await (await client()).call('listQuotas')
    if (values.json) terminal.out(json(rules))
    else if (rules.length === 0)
      terminal.say('nothing was set: what is built in holds for everybody')
    else terminal.out(quotaRulesText(rules, terminal))
    return 0
  },
})
