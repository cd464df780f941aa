/** qstat: jobs, queues and single jobs, as text and as XML. */
import type { JobDetail, JobSummary } from '../../../proto/job.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Client } from '../../client/client.ts'
import type { ProgramContext } from '../programs.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { instanceOf, rowsOf, type Row } from './job-rows.ts'
import { header, jobLine, lineInQueue, pendingTitle, type Columns } from './job-table.ts'
import { allSaid, isSaid, lastSaid, readFlags, type FlagTable, type Said } from './option-table.ts'
import {
  clustersOf,
  clusterSummary,
  instanceHeader,
  instanceLine,
  instanceName,
  instancesOf,
  type Instance,
} from './queue-instances.ts'
import { shownQueue } from './queue-names.ts'
import { requestedBy, requestedLines, type Requested } from './requested.ts'
import { isPattern, matches } from './values.ts'

const flags: FlagTable = {
  '-ext': {},
  '-explain': { takes: 1 },
  '-f': {},
  '-F': { mayTake: true },
  '-g': { takes: 1 },
  '-help': {},
  '-j': { mayTake: true },
  '-l': { takes: 1 },
  '-ncb': {},
  '-ne': {},
  '-pe': { takes: 1 },
  '-pri': {},
  '-q': { takes: 1 },
  '-qs': { takes: 1 },
  '-r': {},
  '-s': { takes: 1 },
  '-t': {},
  '-u': { takes: 1 },
  '-U': { takes: 1 },
  '-urg': {},
  '-xml': {},
}

export const program = gridEngineProgram(async (context) => {
  const read = readFlags(flags, context.argv)
  const { toolHelp } = await import('./help.ts')
  if (!read.ok) throw new Failure(`${toolHelp('qstat', flags)}${read.problem}`, 1)
  const { said } = read
  if (isSaid(said, '-help')) {
    context.terminal.out(toolHelp('qstat', flags))
    return 0
  }
  const states = lastSaid(said, '-s')
  if (states !== undefined && !/^(p|r|s|z|h[uosdja]?|a)+$/.test(states))
    throw new Failure(`invalid job state "${states}"`, 1)
  if (isSaid(said, '-F'))
    throw new Failure('-F: queues have no resources here; see qhost, and eg node show', 1)
  if (isSaid(said, '-j')) return showJobs(context, said)
  return list(context, said)
})

async function list(context: ProgramContext, said: readonly Said[]): Promise<number> {
  const { terminal } = context
  const isXml = isSaid(said, '-xml')
  const isFull = isSaid(said, '-f')
  const group = allSaid(said, '-g').join('')
  const client = await context.client()
  const isCluster = group.includes('c')
  const withQueues = isFull || isCluster
  const user = context.account().user
  const [jobs, nodes, queues] = await Promise.all([
    jobsOf(client, said, user, withQueues),
    withQueues ? client.call('listNodes').then((reply) => reply.nodes) : [],
    withQueues ? client.call('listQueues').then((reply) => reply.queues) : [],
  ])
  const all = rowsOf(jobs, terminal.now(), group.includes('d'))
  const instances = instancesOf(nodes, queues, all).filter((one) =>
    inQueue(said, one.queue, one.node),
  )
  if (isSaid(said, '-q') && !isKnownQueue(said, jobs)) return 1
  const { clusterXml, statXml } = await import('./qstat-xml.ts')
  if (isCluster) {
    const clusters = clustersOf(instances)
    terminal.out(isXml ? clusterXml(clusters) : clusterSummary(clusters))
    return 0
  }
  const rows = all.filter((row) => isOwn(said, row, user) && isWanted(said, row))
  const asked = isSaid(said, '-r') ? await requests(client, rows) : new Map<number, Requested>()
  const requested = (row: Row) => asked.get(row.job.id) ?? null
  terminal.out(
    isXml
      ? statXml(rows, instances, { isFull, requested })
      : isFull
        ? fullText(rows, instances, said)
        : plainText(rows, said, requested),
  )
  return 0
}

const usersOf = (said: readonly Said[]): string[] =>
  allSaid(said, '-u').flatMap((list) => list.split(','))

/** One request: each job with those of its tasks that have not ended; of everybody where queues are shown. */
async function jobsOf(
  client: Client,
  said: readonly Said[],
  user: string,
  everybody: boolean,
): Promise<JobSummary[]> {
  const users = usersOf(said)
  const [first = user] = users
  const isOne = users.length < 2 && !isPattern(first) && !everybody
  const query = { tasks: true, limit: 100_000, ...(isOne ? { owner: first } : { all: true }) }
  return (await client.call('listJobs', { query })).jobs
}

function isOwn(said: readonly Said[], { job }: Row, user: string): boolean {
  const users = usersOf(said)
  return users.length === 0 ? job.owner === user : users.some((name) => matches(name, job.owner))
}

function inQueue(said: readonly Said[], queue: string, node: string | null): boolean {
  const lists = allSaid(said, '-q').flatMap((list) => list.split(','))
  if (lists.length === 0) return true
  return lists.some((wanted) => {
    const [name = '', host] = wanted.split('@')
    return matches(name, queue) && (host === undefined || node === null || matches(host, node))
  })
}

/** Grid Engine says nothing and fails where there is no such queue. */
function isKnownQueue(said: readonly Said[], jobs: readonly JobSummary[]): boolean {
  const known = ['all.q', ...jobs.map((job) => shownQueue(job.queue))]
  return known.some((queue) => inQueue(said, queue, null))
}

function isWanted(said: readonly Said[], row: Row): boolean {
  if (!inQueue(said, shownQueue(row.job.queue), row.node)) return false
  const states = lastSaid(said, '-s')
  if (states === undefined) return true
  const letters = new Set(states.replaceAll(/h[uosdja]/g, '').replace('a', 'prsh'))
  if (row.isRunning) return letters.has(row.state === 's' ? 's' : 'r')
  const held = { user: 'hu', job: 'hj', time: 'ha' } as const
  const isHeldSo = row.held !== null && (letters.has('h') || states.includes(held[row.held]))
  return letters.has('p') || isHeldSo
}

async function requests(client: Client, rows: readonly Row[]): Promise<Map<number, Requested>> {
  const ids = [...new Set(rows.map(({ job }) => job.id))]
  const found = await Promise.all(
    ids.map(async (id): Promise<[number, Requested][]> => {
      const detail = await shown(client, String(id))
      return detail === null ? [] : [[id, requestedBy(detail)]]
    }),
  )
  return new Map(found.flat())
}

const columnsOf = (said: readonly Said[]): Columns => ({
  pri: isSaid(said, '-pri'),
  urg: isSaid(said, '-urg'),
  ext: isSaid(said, '-ext'),
  masters: isSaid(said, '-t') || allSaid(said, '-g').join('').includes('t'),
  usage: isSaid(said, '-t'),
})

function plainText(
  rows: readonly Row[],
  said: readonly Said[],
  requested: (row: Row) => Requested | null,
): string {
  if (rows.length === 0) return ''
  const columns = columnsOf(said)
  const lines = rows.map((row) => {
    const asked = requested(row)
    const under = asked === null ? '' : requestedLines(asked, row.job.name, instanceOf(row))
    return jobLine(row, columns) + under
  })
  return header(columns) + lines.join('')
}

function fullText(
  rows: readonly Row[],
  instances: readonly Instance[],
  said: readonly Said[],
): string {
  const columns = columnsOf(said)
  const queues = instances.map((one) => {
    const own = rows.filter((row) => row.isRunning && instanceOf(row) === instanceName(one))
    if (own.length === 0 && isSaid(said, '-ne')) return ''
    return instanceLine(one) + own.map((row) => lineInQueue(row, columns)).join('')
  })
  const waiting = rows.filter((row) => !row.isRunning).map((row) => lineInQueue(row, columns))
  const shownQueues = queues.join('')
  return (
    (shownQueues === '' ? '' : instanceHeader + shownQueues) +
    (waiting.length === 0 ? '' : pendingTitle + waiting.join(''))
  )
}

async function shown(client: Client, job: string): Promise<JobDetail | null> {
  try {
    return await client.call('showJob', { params: { job } })
  } catch (error) {
    if (error instanceof ClientError && error.code === 'not-found') return null
    throw error
  }
}

async function showJobs(context: ProgramContext, said: readonly Said[]): Promise<number> {
  const { terminal } = context
  const client = await context.client()
  const wanted = allSaid(said, '-j').flatMap((list) => list.split(',').filter((job) => job !== ''))
  const unknown: string[] = []
  const found: JobDetail[] = []
  for (const job of wanted) {
    const some = await meant(client, job)
    if (some.length === 0) unknown.push(job)
    found.push(...some)
  }
  if (isSaid(said, '-xml')) {
    if (found.length > 0) throw new Failure('-xml -j: take qstat -xml -r, or eg show --json', 1)
    const { unknownXml } = await import('./qstat-xml.ts')
    terminal.out(unknownXml(unknown))
    return 0
  }
  const { jobText } = await import('./qstat-job.ts')
  for (const detail of found) terminal.out(await jobText(client, detail))
  if (unknown.length === 0) return 0
  terminal.err(`Following jobs do not exist: \n${unknown.join('\n')}\n`)
  return 1
}

/** Live jobs of that number, name or pattern; a finished one is no longer there. */
async function meant(client: Client, job: string): Promise<JobDetail[]> {
  if (/^\d/.test(job)) {
    const detail = await shown(client, job.replace(/\..*$/, ''))
    return detail === null || detail.state === 'finished' ? [] : [detail]
  }
  const { jobs } = await client.call('listJobs', {
    query: { all: true, name: job, limit: 100_000 },
  })
  const details = await Promise.all(jobs.map(({ id }) => shown(client, String(id))))
  return details.filter((detail) => detail !== null)
}
