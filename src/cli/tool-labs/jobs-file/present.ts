/** What lives of the caller's jobs and schedules, as far as a jobs file could name it. */
import { filledJob, jobDefaults } from '../../../../proto/job-defaults.ts'
import type { Client } from '../../../client/client.ts'
import type { Present } from './changes.ts'

/** A job that is on no page would be submitted a second time. */
const all = 100_000

/** `wants` says which names are looked up in full; the others could only cost requests. */
export async function presentJobs(
  grid: Client,
  { wants, once }: { wants: (name: string) => boolean; once: boolean },
): Promise<Present[]> {
  const [continuous, schedules, crontab, tasks] = await Promise.all([
    grid.call('listJobs', { query: { kind: 'continuous', limit: all } }),
    grid.call('listSchedules', { query: {} }),
    grid.call('showCrontab'),
    once ? grid.call('listJobs', { query: { kind: 'task', limit: all } }) : { jobs: [] },
  ])
  const found: Present[] = []
  for (const { id, name } of continuous.jobs.filter(({ name }) => wants(name))) {
    // One that is being stopped makes room by itself.
    const { spec, wanted, state } = await grid.call('showJob', { params: { job: String(id) } })
    if (state !== 'finished' && wanted.what !== 'stop')
      found.push({ kind: 'continuous', name, id, job: spec })
  }
  for (const { name, expression, tz, overlap, catchUp, jitterMs } of schedules.schedules) {
    // What is a line of the crontab is changed there.
    if (!wants(name) || crontab.names.includes(name)) continue
    const { job } = await grid.call('showSchedule', {
      params: { schedule: name },
      query: { limit: 1 },
    })
    found.push({
      kind: 'schedule',
      name,
      // A job takes its schedule's name where it says none: `eg schedule add` always says one.
      job: filledJob(job, jobDefaults),
      when: { expression, tz, overlap, catchUp, jitterMs },
    })
  }
  const running = tasks.jobs.filter(({ schedule, name }) => schedule === null && wants(name))
  return [...found, ...running.map(({ id, name }): Present => ({ kind: 'once', name, id }))]
}
