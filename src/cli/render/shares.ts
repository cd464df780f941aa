/** Fair shares as tables. */
import { formatDuration } from '../../../proto/resources.ts'
import type { SharesView } from '../../../proto/shares.ts'
import { table, type Column, type Look } from './table.ts'

const one = (slots: number): string => slots.toFixed(1)
const signed = (slots: number): string => `${slots > 0 ? '+' : ''}${one(slots)}`

export function sharesText(shares: SharesView, look: Look): string {
  const { slots, halfLifeMs, groups } = shares
  const tail = `${slots} slots in all; half of what was used is forgotten in ${formatDuration(halfLifeMs)}\n`
  const ofGroups = groups.length > 0 ? `${groupsTable(shares, look)}\n\n` : ''
  return `${ofGroups}${ownersTable(shares, look)}\n${tail}`
}

/** What nobody has said anything about takes no room. */
function ownersTable({ owners, groups }: SharesView, look: Look): string {
  const isWeighted = groups.length > 0 || owners.some(({ weight }) => weight !== 1)
  const weighted: Column<SharesView['owners'][number]>[] = [
    { title: 'GROUP', cell: ({ group }) => group ?? '-' },
    { title: 'WEIGHT', cell: ({ weight }) => weight, right: true },
  ]
  return table(
    [
      { title: 'OWNER', cell: ({ owner }) => owner },
      ...(isWeighted ? weighted : []),
      { title: 'SLOTS', cell: ({ slots: held }) => held, right: true },
      { title: 'PENDING', cell: ({ pending }) => pending, right: true },
      { title: 'AVERAGE', cell: ({ average }) => one(average), right: true },
      { title: 'SHARE', cell: ({ share }) => one(share), right: true },
      { title: 'DEBT', cell: ({ debt }) => signed(debt), right: true },
    ],
    owners,
    look,
  )
}

function groupsTable({ groups }: SharesView, look: Look): string {
  return table(
    [
      { title: 'GROUP', cell: ({ group }) => group },
      { title: 'WEIGHT', cell: ({ weight }) => weight, right: true },
      { title: 'SHARE', cell: ({ share }) => one(share), right: true },
      { title: 'DEBT', cell: ({ debt }) => signed(debt), right: true },
    ],
    groups,
    look,
  )
}
