/** `eg shares`: who used how much of late, and so whose waiting work goes first. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { sharesText } from './render/shares.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  notes: `Of equal queues, who has the smallest SHARE goes first: the slots held now, and those held on average of late,
divided by the WEIGHT. DEBT is how many slots that is above (or below) its part of all that is shared. Members of a GROUP with a
weight have one turn together, and share it among themselves.`,
  async run({ values, terminal, client }) {
    const shares = await (await client()).call('showShares')
    if (values.json) terminal.out(json(shares))
    else if (shares.owners.length === 0) terminal.say('nobody has used anything of late')
    else terminal.out(sharesText(shares, terminal))
    return 0
  },
})
