/** `eg role grant`: makes an account operator or manager. */
import { roles, type Role } from '../../../proto/rights.ts'
import { defineCommand, UsageError } from '../command.ts'
import { json } from '../render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…] operator|manager USER',
  options: {},
  operands: [2, 2],
  notes: `Operators act on nodes and on everybody's jobs; managers may also grant and revoke roles. Members of the unix
group evergrid-operators are operators without being named here.`,
  async run({ values, operands: [word = '', owner = ''], terminal, client }) {
    const role = roles.find((known): known is Role => known === word)
    if (role === undefined)
      throw new UsageError(`there is no role "${word}": say operator or manager`)
    const granted = await (await client()).call('grantRole', { body: { owner, role } })
    terminal.out(values.json ? json(granted) : `${owner} is ${role}\n`)
    return 0
  },
})
