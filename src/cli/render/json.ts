/** JSON for programs: exactly what the API says, in the shapes that docs/cli.md lists. */
import type { JobDetail, JobSummary, TaskView } from '../../../proto/job.ts'

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** A job in a list: as `eg show --json`, without runs. `detail` is needed where tasks differ in state. */
export function listedJob(job: JobSummary, detail: JobDetail | null): object {
  return { ...job, tasks: detail === null ? [wholeOf(job)] : detail.tasks.map(withoutRuns) }
}

/** True where the summary says all about the tasks: there is one, or none is touched yet. */
export function saysAllTasks(job: JobSummary): boolean {
  if (job.array === null) return true
  const states = Object.values(job.counts).filter((count) => count > 0).length
  return states === 1 && (job.state === 'pending' || job.state === 'held')
}

function wholeOf({ state, outcome, node, reason, cause, crashLoop, array }: JobSummary): object {
  const core = { state, outcome, node, reason, cause, crashLoop }
  return array === null
    ? { index: 1, ...core }
    : { range: [array.from, array.to], step: array.step, ...core }
}

function withoutRuns(task: TaskView): object {
  return Object.fromEntries(Object.entries(task).filter(([key]) => key !== 'runs'))
}
