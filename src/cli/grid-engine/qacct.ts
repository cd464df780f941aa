/** qacct: what finished jobs were and used, one record for each run; and sums of it. */
import type { JobDetail, JobSummary, Run } from '../../../proto/job.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Client } from '../../client/client.ts'
import type { ProgramContext } from '../programs.ts'
import { recordText } from './accounting.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { isSaid, lastSaid, readFlags, type FlagTable, type Said } from './option-table.ts'
import { shownQueue } from './queue-names.ts'
import { dateValue, matches, taskRange } from './values.ts'

const maybe = { mayTake: true } as const
const one = { takes: 1 } as const
const flags: FlagTable = {
  '-A': maybe,
  '-ar': maybe,
  '-b': one,
  '-d': one,
  '-D': maybe,
  '-e': one,
  '-E': {},
  '-f': one,
  '-g': maybe,
  '-h': maybe,
  '-help': {},
  '-j': maybe,
  '-l': one,
  '-m': {},
  '-o': maybe,
  '-P': maybe,
  '-pe': maybe,
  '-q': maybe,
  '-slots': maybe,
  '-t': one,
  '-u': maybe,
}
const refused = ['-A', '-ar', '-D', '-f', '-g', '-l', '-P', '-pe', '-slots']

type Record = { detail: JobDetail; task: number; run: Run }

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv } = context
  const { toolHelp } = await import('./help.ts')
  const read = readFlags(flags, argv)
  if (!read.ok) throw new Failure(`${toolHelp('qacct', flags)}${read.problem}`, 1)
  const { said } = read
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp('qacct', flags))
    return 0
  }
  const other = refused.find((flag) => isSaid(said, flag))
  if (other !== undefined)
    throw new Failure(
      `error: ${other} cannot be asked for here; take -j, -o, -q, -h, -b, -e or -d`,
      1,
    )
  const client = await context.client()
  const job = lastSaid(said, '-j')
  const records = (await recordsOf(client, said, job)).filter(wanted(said, context))
  if (!isSaid(said, '-j')) {
    const { summaryText } = await import('./qacct-summary.ts')
    terminal.out(summaryText(said, records.map(usageOf)))
    return 0
  }
  if (records.length === 0)
    throw new Failure(
      job !== undefined && /^\d+$/.test(job)
        ? `error: job id ${job} not found`
        : `error: job name ${job ?? '*'} not found`,
      1,
    )
  for (const { detail, task, run } of records) terminal.out(recordText(detail, task, run))
  return 0
})

async function recordsOf(
  client: Client,
  said: readonly Said[],
  job: string | undefined,
): Promise<Record[]> {
  const ids =
    job !== undefined && /^[\d,]+$/.test(job)
      ? job.split(',').filter((id) => id !== '')
      : (await finished(client, said, job)).map(({ id }) => String(id)).toReversed()
  const records: Record[] = []
  for (const id of ids) records.push(...(await runsOf(client, id)))
  return records
}

async function finished(
  client: Client,
  said: readonly Said[],
  name: string | undefined,
): Promise<JobSummary[]> {
  const owner = lastSaid(said, '-o') ?? lastSaid(said, '-u')
  const found: JobSummary[] = []
  for (let page: string | null | undefined; page !== null;) {
    const query = {
      finished: true,
      limit: 1000,
      ...(owner === undefined ? { all: true } : { owner }),
      ...(name === undefined ? {} : { name }),
      ...(page === undefined ? {} : { page }),
    }
    const reply: { jobs: JobSummary[]; next: string | null } = await client.call('listJobs', {
      query,
    })
    found.push(...reply.jobs)
    page = reply.next
  }
  return found
}

/** Of a job all runs that have ended, also while others of it go on. */
async function runsOf(client: Client, job: string): Promise<Record[]> {
  const records: Record[] = []
  let tasks: string | undefined
  for (;;) {
    let detail: JobDetail
    try {
      detail = await client.call('showJob', {
        params: { job },
        query: tasks === undefined ? {} : { tasks },
      })
    } catch (error) {
      if (error instanceof ClientError && error.code === 'not-found') return records
      throw error
    }
    for (const task of detail.tasks) {
      if (!('index' in task)) continue
      for (const run of task.runs ?? [])
        if (run.endedAt !== null) records.push({ detail, task: task.index, run })
    }
    if (detail.tasksNext === null) return records
    tasks = `${detail.tasksNext}-${detail.array?.to ?? detail.tasksNext}`
  }
}

function wanted(said: readonly Said[], { terminal }: ProgramContext): (record: Record) => boolean {
  const moment = (flag: string) => {
    const text = lastSaid(said, flag)
    const at = text === undefined ? null : dateValue(text, terminal.now())
    if (text !== undefined && at === null)
      throw new Failure(`error: "${text}" is no time for ${flag}`, 1)
    return at
  }
  const days = lastSaid(said, '-d')
  const from =
    moment('-b') ?? (days === undefined ? null : terminal.now() - Number(days) * 86_400_000)
  const to = moment('-e')
  const tasks = lastSaid(said, '-t')
  const range = tasks === undefined ? null : taskRange(tasks)
  const [owner, queue, host] = [
    lastSaid(said, '-o') ?? lastSaid(said, '-u'),
    lastSaid(said, '-q'),
    lastSaid(said, '-h'),
  ]
  return ({ detail, task, run }) => {
    const at = Date.parse((isSaid(said, '-E') ? run.endedAt : run.startedAt) ?? detail.submittedAt)
    return (
      (from === null || at >= from) &&
      (to === null || at <= to) &&
      (range === null ||
        (task >= range.from && task <= range.to && (task - range.from) % range.step === 0)) &&
      (owner === undefined || owner === detail.owner) &&
      (queue === undefined || matches(queue, shownQueue(detail.queue))) &&
      (host === undefined || matches(host, run.node))
    )
  }
}

function usageOf({ detail, run }: Record) {
  const wallMs = Date.parse(run.endedAt ?? '') - Date.parse(run.startedAt ?? run.endedAt ?? '')
  return {
    owner: detail.owner,
    queue: shownQueue(detail.queue),
    host: run.node,
    wallSeconds: Math.floor((wallMs || 0) / 1000),
    cpuSeconds: (run.usage?.cpuMs ?? 0) / 1000,
    ioGigabytes: ((run.usage?.readBytes ?? 0) + (run.usage?.writtenBytes ?? 0)) / 2 ** 30,
  }
}
