/** `eg role list`: who is operator or manager. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { rolesText } from '../render/rights.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { roles, operatorsGroup } = await (await client()).call('listRoles')
    terminal.out(values.json ? json({ roles, operatorsGroup }) : rolesText(roles, terminal))
    if (!values.json)
      terminal.say(
        `operators are also the members of the unix group ${operatorsGroup}, if there is one`,
      )
    return 0
  },
})
