/** Sums of accounting, for all or for each owner, queue or host. */
import { isSaid, type Said } from './option-table.ts'

type Usage = {
  owner: string
  queue: string
  host: string
  wallSeconds: number
  cpuSeconds: number
  ioGigabytes: number
}
type Key = 'host' | 'queue' | 'owner'

const groups: readonly [flag: string, title: string, key: Key][] = [
  ['-h', 'HOST', 'host'],
  ['-q', 'CLUSTER QUEUE', 'queue'],
  ['-o', 'OWNER', 'owner'],
  ['-u', 'OWNER', 'owner'],
]

export function summaryText(said: readonly Said[], usages: readonly Usage[]): string {
  const asked = groups.filter(([flag]) => isSaid(said, flag))
  const keyed = new Map<string, Usage[]>()
  for (const usage of usages) {
    const key = asked.map(([, , name]) => usage[name]).join('\0')
    keyed.set(key, [...(keyed.get(key) ?? []), usage])
  }
  const rows = [...keyed].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const widths = asked.map(([, title], at) =>
    Math.max(title.length, ...rows.map(([key]) => key.split('\0')[at]?.length ?? 0)),
  )
  const named = (cells: readonly string[]) =>
    cells
      .map((cell, at) => `${cell.padEnd(widths[at] ?? 0)}${' '.repeat(at === 0 ? 0 : 1)}`)
      .join('')
  const title = `${named(asked.map(([, name]) => name))}${titles}`
  const lines = (asked.length === 0 ? [['', usages] as const] : rows).map(
    ([key, some]) => `${asked.length === 0 ? '' : named(key.split('\0'))}${figures(some)}\n`,
  )
  const head = asked.length === 0 ? 'Total System Usage\n' : ''
  return `${head}${title}\n${'='.repeat(title.length + 1)}\n${lines.join('')}`
}

const columns = [
  ['WALLCLOCK', 13],
  ['UTIME', 14],
  ['STIME', 14],
  ['CPU', 14],
  ['MEMORY', 19],
  ['IO', 19],
  ['IOW', 19],
] as const
const titles = columns.map(([name, width]) => name.padStart(width)).join('')

function figures(usages: readonly Usage[]): string {
  const sum = (pick: (usage: Usage) => number) => usages.reduce((all, one) => all + pick(one), 0)
  const cpu = sum(({ cpuSeconds }) => cpuSeconds).toFixed(3)
  const io = sum(({ ioGigabytes }) => ioGigabytes).toFixed(3)
  const values = [
    String(sum(({ wallSeconds }) => wallSeconds)),
    cpu,
    '0.000',
    cpu,
    '0.000',
    io,
    '0.000',
  ]
  return columns.map(([, width], at) => (values[at] ?? '').padStart(width)).join('')
}
