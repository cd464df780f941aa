/** Named resources, for people. */
import type { ResourceDetail, ResourceView } from '../../../proto/named-resource.ts'
import { timeText } from '../words.ts'
import { facts, table, type Cell, type Look } from './table.ts'

/** One row for the grid, and one for each node that has a total of its own. */
type Row = {
  name: string
  where: string
  total: number
  taken: number
  free: number
  waiting: number | null
}

const rowsOf = ({ name, total, taken, free, nodes, waiting }: ResourceView): Row[] => [
  ...(total === null ? [] : [{ name, where: 'grid', total, taken, free: free ?? 0, waiting }]),
  ...nodes.map((one, at) => ({
    ...{ name, where: one.node, total: one.total, taken: one.taken, free: one.free },
    // Whoever waits is counted once: nobody knows yet on which node.
    waiting: total === null && at === 0 ? waiting : null,
  })),
]

const freeCell = ({ free, taken, total }: Row): Cell =>
  taken > total ? { text: 'over', tone: 'warn' } : free

export function resourcesText(resources: readonly ResourceView[], look: Look): string {
  if (resources.length === 0) return 'no named resources are defined: eg resource set NAME=TOTAL\n'
  return table(
    [
      { title: 'RESOURCE', cell: ({ name }) => name },
      { title: 'WHERE', cell: ({ where }) => where },
      { title: 'TOTAL', cell: ({ total }) => total, right: true },
      { title: 'IN USE', cell: ({ taken }) => taken, right: true },
      { title: 'FREE', cell: freeCell, right: true },
      { title: 'WAITING', cell: ({ waiting }) => waiting ?? '', right: true },
    ],
    resources.flatMap(rowsOf),
    look,
  )
}

export function resourceText(resource: ResourceDetail, look: Look): string {
  const { name, total, taken, free, nodes, waiting, holders, waiters } = resource
  const head = facts(
    [
      ['resource', name],
      ['in the grid', total === null ? 'only on nodes' : `${total}, ${free ?? 0} free`],
      ...nodes.map((one): [string, string] => [
        `on ${one.node}`,
        `${one.total}, ${one.taken} in use, ${one.free} free`,
      ]),
      ['in use', taken],
      ['waiting', `${waiting} ${waiting === 1 ? 'task' : 'tasks'}`],
    ],
    look,
  )
  const parts = [head]
  if (holders.length > 0) parts.push(`\nheld by\n${holdersText(holders, look)}`)
  if (waiters.length > 0) parts.push(`\nwaited for by\n${waitersText(waiters, look)}`)
  return parts.join('')
}

const holdersText = (holders: ResourceDetail['holders'], look: Look): string =>
  table(
    [
      { title: 'AMOUNT', cell: ({ amount }) => amount, right: true },
      { title: 'JOB', cell: ({ job, task }) => (task === null ? job : `${job}.${task}`) },
      { title: 'NAME', cell: (one) => (one.name === '' ? 'unknown here' : one.name) },
      { title: 'OWNER', cell: ({ owner }) => owner },
      { title: 'NODE', cell: ({ node }) => node },
      { title: 'SINCE', cell: ({ since }) => (since === null ? '' : timeText(since)) },
    ],
    holders,
    look,
  )

const waitersText = (waiters: ResourceDetail['waiters'], look: Look): string =>
  table(
    [
      { title: 'AMOUNT', cell: ({ amount }) => amount, right: true },
      { title: 'JOB', cell: ({ job }) => job },
      { title: 'NAME', cell: (one) => one.name },
      { title: 'OWNER', cell: ({ owner }) => owner },
      { title: 'TASKS', cell: ({ tasks }) => tasks, right: true },
      { title: 'SINCE', cell: ({ since }) => timeText(since) },
    ],
    waiters,
    look,
  )
