/** Every job that the grid knows, page by page. */
import type { JobSummary } from '../../proto/job.ts'
import type { Client } from '../../src/client/index.ts'

export async function allJobs(
  client: Client,
  finished: readonly boolean[],
): Promise<Map<number, JobSummary>> {
  const found = new Map<number, JobSummary>()
  for (const which of finished) {
    let page: string | undefined
    do {
      const query = {
        all: true,
        finished: which,
        limit: 1000,
        ...(page === undefined ? {} : { page }),
      }
      const reply = await client.call('listJobs', { query }, { patienceMs: 60_000 })
      for (const job of reply.jobs) found.set(job.id, job)
      page = reply.next ?? undefined
    } while (page !== undefined)
  }
  return found
}
