/** `eg shares`: who used how much of late, and so whose waiting work goes first. */
import { formatDuration } from '../../proto/resources.ts'
import type { SharesView } from '../../proto/shares.ts'
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { table, type Look } from './render/table.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {},
  operands: [0, 0],
  notes: `Of equal queues, who has the smallest SHARE goes first: the slots held now, and those held on average of late.
DEBT is what a share is above (or below) an even part of all of them.`,
  async run({ values, terminal, client }) {
    const shares = await (await client()).call('showShares')
    if (values.json) terminal.out(json(shares))
    else if (shares.owners.length === 0) terminal.say('nobody has used anything of late')
    else terminal.out(sharesText(shares, terminal))
    return 0
  },
})

const one = (slots: number): string => slots.toFixed(1)

function sharesText({ owners, slots, halfLifeMs }: SharesView, look: Look): string {
  const text = table(
    [
      { title: 'OWNER', cell: ({ owner }) => owner },
      { title: 'SLOTS', cell: ({ slots: held }) => held, right: true },
      { title: 'PENDING', cell: ({ pending }) => pending, right: true },
      { title: 'AVERAGE', cell: ({ average }) => one(average), right: true },
      { title: 'SHARE', cell: ({ share }) => one(share), right: true },
      { title: 'DEBT', cell: ({ debt }) => `${debt > 0 ? '+' : ''}${one(debt)}`, right: true },
    ],
    owners,
    look,
  )
  return `${text}\n${slots} slots in all; half of what was used is forgotten in ${formatDuration(halfLifeMs)}\n`
}
