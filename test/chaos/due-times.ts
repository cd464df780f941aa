/** Whether what a schedule's jobs have written agrees with its ledger, due time by due time. */
import type { JobSummary } from '../../proto/job.ts'
import type { Firing } from '../../proto/schedule.ts'
import { jobOf, twiceIn, type Due } from './evidence.ts'

export type Schedule = {
  ledger: readonly Firing[]
  jobs: ReadonlyMap<number, Pick<JobSummary, 'schedule' | 'outcome'>>
  name: string
  /** Databases put in place that knew nothing of what became of this due time (ms since 1970) while it was past. */
  forgotten: (due: number) => number
}

/** Sentences: what is wrong. Each due time is in the file at most once, and exactly once if its job succeeded. */
export function dueFaults(schedule: Schedule, lines: readonly Due[]): string[] {
  const { ledger, jobs, name, forgotten } = schedule
  const faults: string[] = []
  const ran = new Map(
    ledger
      .filter(({ outcome }) => outcome === 'ran')
      .map(({ dueAt, jobId }) => [dueAt, jobId] as const),
  )
  for (const run of twiceIn(lines.map((line) => line.run)))
    faults.push(`run ${run} was executed twice`)
  const isKnown = ({ run }: Due) => jobs.get(jobOf(run))?.schedule === name
  for (const line of lines.filter(isKnown)) {
    const job = ran.get(line.due)
    if (job === undefined)
      faults.push(`${line.due} was worked on by run ${line.run}, and the ledger has no such firing`)
    else if (job !== jobOf(line.run))
      faults.push(`${line.due} was worked on by run ${line.run}; by the ledger it is job ${job}'s`)
  }
  for (const due of new Set(twiceIn(lines.filter(isKnown).map((line) => line.due))))
    faults.push(`${due} was worked on more than once`)
  // Runs of jobs that are known no more: of firings that an older database has forgotten, and of nothing else.
  const strangers = lines.filter((line) => !isKnown(line))
  for (const due of new Set(strangers.map((line) => line.due))) {
    const runs = strangers.filter((line) => line.due === due).map((line) => line.run)
    const may = forgotten(Date.parse(due))
    if (runs.length > may)
      faults.push(`${due} was worked on by ${runs.join(', ')}, which nobody knows`)
  }
  for (const [due, job] of ran) {
    const succeeded = jobs.get(job ?? 0)?.outcome === 'succeeded'
    if (succeeded && !lines.some((line) => line.due === due && jobOf(line.run) === job))
      faults.push(`job ${job} for ${due} succeeded without doing its work`)
  }
  return faults
}
