/** Whether what a schedule's jobs have written agrees with its ledger, due time by due time. */
import type { JobSummary } from '../../proto/job.ts'
import type { Firing } from '../../proto/schedule.ts'
import { jobOf, twiceIn, type Due, type Found } from './evidence.ts'

export type Schedule = {
  ledger: readonly Firing[]
  jobs: ReadonlyMap<number, Pick<JobSummary, 'schedule' | 'outcome'>>
  name: string
  /** Databases put in place that knew nothing of what became of this due time (ms since 1970) while it was past. */
  forgotten: (due: number) => number
}

/** Each due time is in the file at most once, and exactly once if its job succeeded. */
export function lookAtDues(schedule: Schedule, lines: readonly Due[]): Found {
  const { ledger, jobs, name, forgotten } = schedule
  const found: Found = { faults: [], lost: 0, twice: 0 }
  const { faults } = found
  const ran = new Map(
    ledger
      .filter(({ outcome }) => outcome === 'ran')
      .map(({ dueAt, jobId }) => [dueAt, jobId] as const),
  )
  const twice = (says: string) => {
    faults.push(says)
    found.twice += 1
  }
  for (const run of twiceIn(lines.map((line) => line.run))) twice(`run ${run} was executed twice`)
  const isKnown = ({ run }: Due) => jobs.get(jobOf(run))?.schedule === name
  for (const line of lines.filter(isKnown)) {
    const job = ran.get(line.due)
    if (job === undefined)
      faults.push(`${line.due} was worked on by run ${line.run}, and the ledger has no such firing`)
    else if (job !== jobOf(line.run))
      faults.push(`${line.due} was worked on by run ${line.run}; by the ledger it is job ${job}'s`)
  }
  for (const due of new Set(twiceIn(lines.filter(isKnown).map((line) => line.due))))
    twice(`${due} was worked on more than once`)
  // Runs of jobs that are known no more: of firings that an older database has forgotten, and of nothing else.
  const strangers = lines.filter((line) => !isKnown(line))
  for (const due of new Set(strangers.map((line) => line.due))) {
    const runs = strangers.filter((line) => line.due === due).map((line) => line.run)
    const may = forgotten(Date.parse(due))
    if (runs.length > may) twice(`${due} was worked on by ${runs.join(', ')}, which nobody knows`)
  }
  for (const [due, job] of ran) {
    const succeeded = jobs.get(job ?? 0)?.outcome === 'succeeded'
    if (!succeeded || lines.some((line) => line.due === due && jobOf(line.run) === job)) continue
    faults.push(`job ${job} for ${due} succeeded without doing its work`)
    found.lost += 1
  }
  return found
}
