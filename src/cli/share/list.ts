/** `eg share list`: with whom one shares, and what others share with one. */
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { sharingText } from '../render/rights.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const { sharing, withMe } = await (await client()).call('listSharing')
    if (values.json) terminal.out(json({ sharing, withMe }))
    else if (sharing.length + withMe.length === 0) terminal.say('nothing is shared')
    else terminal.out(sharingText([...sharing, ...withMe], terminal))
    return 0
  },
})
