/** Quotas, for people. */
import { limitWords, type LimitName } from '../../../proto/limits.ts'
import type { QuotaRule, QuotaView } from '../../../proto/quota.ts'
import { sizeText, timeText } from '../words.ts'
import { table, type Cell, type Look } from './table.ts'

export function quotaText({ limits, jobs }: QuotaView, look: Look): string {
  const text = table(
    [
      { title: 'LIMIT', cell: ({ limit }) => limit },
      { title: 'USED', cell: usedCell, right: true },
      { title: 'OF', cell: ({ limit, value }) => amount(limit, value), right: true },
      { title: 'SET BY', cell: ({ from }) => from },
      { title: 'UNTIL', cell: ({ until }) => (until === null ? '' : timeText(until)) },
      { title: 'WHAT', cell: ({ limit }) => limitWords[limit] },
    ],
    limits,
    look,
  )
  return jobs.length === 0 ? text : `${text}\n${jobsText(jobs, look)}`
}

function usedCell({ limit, value, used }: QuotaView['limits'][number]): Cell {
  const text = amount(limit, used)
  return value !== null && used >= value ? { text, tone: 'warn' } : text
}

const jobsText = (jobs: QuotaView['jobs'], look: Look): string =>
  table(
    [
      { title: 'JOB', cell: ({ job }) => job, right: true },
      { title: 'NAME', cell: ({ name }) => name },
      { title: 'SLOTS', cell: ({ slots }) => slots, right: true },
      { title: 'MEM', cell: ({ memBytes }) => sizeText(memBytes), right: true },
      { title: 'PLACED', cell: ({ placed }) => placed, right: true },
      { title: 'PENDING', cell: ({ pending }) => pending, right: true },
    ],
    jobs,
    look,
  )

export const quotaRulesText = (rules: readonly QuotaRule[], look: Look): string =>
  table(
    [
      {
        title: 'WHOSE',
        cell: ({ subject: { kind, name } }) => (name === null ? kind : `${kind}:${name}`),
      },
      { title: 'LIMIT', cell: ({ limit }) => limit },
      { title: 'VALUE', cell: ({ limit, value }) => amount(limit, value), right: true },
      { title: 'UNTIL', cell: ({ until }) => (until === null ? 'for good' : timeText(until)) },
      { title: 'SET BY', cell: ({ by }) => by },
      { title: 'WHY', cell: ({ why }) => why },
    ],
    rules,
    look,
  )

function amount(limit: LimitName, value: number | null): string {
  if (value === null) return 'none'
  return limit === 'memory' ? sizeText(value) : String(value)
}
