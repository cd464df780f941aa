/** Schedules and their ledgers, for people. */
import { formatDuration } from '../../../proto/resources.ts'
import type { Firing, ScheduleDetail, ScheduleSummary } from '../../../proto/schedule.ts'
import { timeText } from '../words.ts'
import { specFacts } from './job.ts'
import { facts, table, type Cell, type Look, type Tone } from './table.ts'

export function schedulesText(
  schedules: readonly ScheduleSummary[],
  owners: boolean,
  look: Look,
): string {
  return table(
    [
      { title: 'NAME', cell: ({ name }) => name },
      ...(owners ? [{ title: 'OWNER', cell: ({ owner }: ScheduleSummary) => owner }] : []),
      { title: 'EXPRESSION', cell: ({ expression }) => expression },
      { title: 'ZONE', cell: ({ tz }) => tz },
      { title: 'NEXT', cell: nextCell },
      { title: 'LAST', cell: ({ lastFiring }) => (lastFiring ? outcomeCell(lastFiring) : '-') },
      { title: 'RUNNING', cell: ({ liveJobs }) => liveJobs.join(' ') || '-' },
    ],
    schedules,
    look,
  )
}

const nextCell = ({ paused, next }: ScheduleSummary): Cell =>
  paused === null ? timeText(next[0] ?? null) : { text: 'paused', tone: 'warn' }

const tones: Partial<Record<Firing['outcome'], Tone>> = {
  ran: 'good',
  skipped: 'warn',
  missed: 'bad',
}

function outcomeCell({ outcome, jobId }: Firing): Cell {
  const text = jobId === null ? outcome : `${outcome} (job ${jobId})`
  const tone = tones[outcome]
  return tone === undefined ? text : { text, tone }
}

export function scheduleText(schedule: ScheduleDetail, look: Look): string {
  const { paused, next, ledger, job } = schedule
  const head = facts(
    [
      ['schedule', schedule.name],
      ['owner', schedule.owner],
      ['expression', `${schedule.expression} (${schedule.tz})`],
      ['overlap', schedule.overlap],
      ['catch-up', schedule.catchUp],
      ['jitter', schedule.jitterMs === 0 ? null : formatDuration(schedule.jitterMs)],
      ...specFacts(job),
      ['paused', paused && { text: pausedText(paused), tone: 'warn' }],
      ['next', next.slice(0, 3).map(timeText).join(', ') || '-'],
      ['running', schedule.liveJobs.map((id) => `job ${id}`).join(', ') || null],
    ],
    look,
  )
  return ledger.length === 0 ? head : `${head}\n${ledgerText(ledger, look)}`
}

const pausedText = ({ by, why, at }: NonNullable<ScheduleDetail['paused']>): string =>
  `by ${by} at ${timeText(at)}${why === '' ? '' : `: ${why}`}`

function ledgerText(ledger: readonly Firing[], look: Look): string {
  return table(
    [
      { title: 'DUE', cell: dueText },
      { title: 'OUTCOME', cell: outcomeCell },
      {
        title: 'WHY',
        cell: ({ manual, why }) => (manual && !why.includes('by hand') ? `by hand: ${why}` : why),
      },
    ],
    ledger,
    look,
  )
}

/** Neighbours that share an entry show as one stretch. */
const dueText = ({ dueAt, until, count }: Firing): string =>
  count === 1 ? timeText(dueAt) : `${timeText(dueAt)} to ${timeText(until)} (${count} times)`
