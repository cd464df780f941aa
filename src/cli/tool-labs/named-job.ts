/** The caller's live job of a name, and how Tool Labs' commands word its state. */
import type { JobSummary } from '../../../proto/job.ts'
import type { Client } from '../../client/client.ts'

/** One that runs goes before one that waits, that before one that is being stopped; then the older one. */
export async function namedJob(grid: Client, name: string): Promise<JobSummary | null> {
  const { jobs } = await grid.call('listJobs', { query: { name } })
  const exact = jobs.filter((job) => job.name === name).sort((a, b) => a.id - b.id)
  const stays = exact.filter(({ state }) => state !== 'stopping')
  return stays.find(isActive) ?? stays[0] ?? exact[0] ?? null
}

/** It has processes, is between two runs of them, or may have some. */
export const isActive = ({ state }: JobSummary): boolean =>
  !['pending', 'held', 'placed', 'finished'].includes(state)
