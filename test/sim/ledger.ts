import { parseExpression } from '../../scheduler/core/cron/expression.ts'
import { nextDue } from '../../scheduler/core/cron/next-due.ts'
/** Checks of what is on disk: one job for each submission and due time, one ledger entry for each due time. */
import type { JobRow } from '../../scheduler/store/change.ts'
import { Broken } from './broken.ts'
import type { BookedSchedule } from './people.ts'
import type { Watched } from './promises.ts'

/** `isClockTrue`: due times come once only where the scheduler's clock was never set back. */
export function checkHistory({ scheduler, people }: Watched, isClockTrue: boolean): void {
  const jobs = allJobs(scheduler)
  const tokens = new Set<string>()
  const dueTimes = new Set<string>()
  for (const job of jobs) {
    const { command } = JSON.parse(job.specJson ?? '{}') as { command?: string[] }
    const token = command?.[1] ?? ''
    if (job.schedule === null) {
      if (tokens.has(token)) throw new Broken(`submission ${token} became two jobs`)
      tokens.add(token)
    } else {
      const due = `${job.owner} ${job.schedule} ${job.dueAt}`
      if (dueTimes.has(due)) throw new Broken(`two jobs for ${due}`)
      dueTimes.add(due)
    }
  }
  if (!isClockTrue) return
  for (const schedule of people.schedules.values()) checkLedger(scheduler, schedule)
}

/** The numbers of jobs have gaps of millions where a backup was restored. */
function allJobs({ disk }: Watched['scheduler']): JobRow[] {
  const { engine } = disk
  const any = { owner: null, kind: null, name: null, schedule: null, before: null }
  const finished = engine.query('finished', { ...any, limit: 1_000_000 })
  return [...disk.snapshot().jobs, ...finished].flatMap(
    ({ id }) => engine.query('job', { id }) ?? [],
  )
}

/** Entries of neighbouring due times may share one row; no two rows tell of the same time, and none is left out. */
function checkLedger(
  scheduler: Watched['scheduler'],
  { owner, name, expression, tz }: BookedSchedule,
): void {
  const rows = scheduler.disk.engine.query('firings', { owner, schedule: name, limit: 10_000 })
  const cron = parseExpression(expression, tz, { owner, name })
  if (!cron.ok) throw new Error(cron.problem)
  const due = rows.filter((row) => !row.manual).sort((a, b) => a.dueAt - b.dueAt)
  let before: (typeof due)[number] | null = null
  for (const row of due) {
    if (before !== null && (before.until ?? before.dueAt) >= row.dueAt)
      throw new Broken(`the ledger of ${name} tells twice of ${row.dueAt}`)
    const next = before === null ? row.dueAt : nextDue(cron.value, before.until ?? before.dueAt)
    if (next !== row.dueAt) throw new Broken(`the ledger of ${name} says nothing of ${next}`)
    before = row
  }
}
