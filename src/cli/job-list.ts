/** Lists of jobs, fetched page by page and printed. */
import type { JobSummary } from '../../proto/job.ts'
import type { Client, Input } from '../client/client.ts'
import { dropUndefined } from './job-options.ts'
import { json, listedJob, saysAllTasks } from './render/json.ts'
import { table, type Column } from './render/table.ts'
import type { Terminal } from './terminal.ts'
import { agoText, countsText, moreText, sizeText, stateCell, whyText } from './words.ts'

type Query = NonNullable<Input<'listJobs'>['query']>
type Filter = { [K in keyof Query]?: Query[K] | undefined }
export type JobList = { jobs: JobSummary[]; more: boolean }
const pageSize = 1000

export async function listJobs(client: Client, filter: Filter, limit: number): Promise<JobList> {
  const said = dropUndefined({
    ...filter,
    all: filter.all || undefined,
    finished: filter.finished || undefined,
  }) as Query
  const jobs: JobSummary[] = []
  let page: string | null = null
  do {
    const query: Query = { ...said, limit: Math.min(pageSize, limit - jobs.length) }
    const reply: { jobs: JobSummary[]; next: string | null } = await client.call('listJobs', {
      query: page === null ? query : { ...query, page },
    })
    jobs.push(...reply.jobs)
    page = reply.next
  } while (page !== null && jobs.length < limit)
  return { jobs, more: page !== null }
}

type Look = { json: boolean; finished: boolean; owners: boolean }

export async function printJobs(
  { jobs, more }: JobList,
  look: Look,
  client: Client,
  terminal: Terminal,
): Promise<void> {
  if (look.json) {
    terminal.out(json(await withTasks(jobs, client)))
  } else if (jobs.length === 0) {
    terminal.say(look.finished ? 'no finished jobs' : 'no live jobs')
  } else {
    terminal.out(table(columns(look, terminal.now()), jobs, terminal))
  }
  if (more) terminal.say(moreText(jobs.length))
}

/** Only arrays whose tasks differ need a look of their own. */
async function withTasks(jobs: readonly JobSummary[], client: Client): Promise<object[]> {
  const listed: object[] = []
  for (const job of jobs) {
    const params = { job: String(job.id) }
    const detail = saysAllTasks(job) ? null : await client.call('showJob', { params })
    listed.push(listedJob(job, detail))
  }
  return listed
}

function columns({ finished, owners }: Look, now: number): Column<JobSummary>[] {
  return [
    { title: 'JOB', cell: ({ id }) => id, right: true },
    { title: 'NAME', cell: ({ name }) => name },
    ...(owners ? [{ title: 'OWNER', cell: ({ owner }: JobSummary) => owner }] : []),
    { title: 'KIND', cell: ({ kind }) => kind },
    { title: 'STATE', cell: stateCell },
    { title: 'NODE', cell: ({ node }) => node ?? '-' },
    { title: 'SLOTS', cell: ({ slots }) => slots, right: true },
    { title: 'MEM', cell: ({ memBytes }) => sizeText(memBytes), right: true },
    { title: 'AGE', cell: (job) => agoText(job.submittedAt, now), right: true },
    finished
      ? { title: 'ENDED', cell: (job) => agoText(job.finishedAt, now), right: true }
      : { title: 'RESTARTS', cell: ({ restarts }) => restarts, right: true },
    { title: 'WHY', cell: (job) => [countsText(job), whyText(job)].filter(Boolean).join('; ') },
  ]
}
