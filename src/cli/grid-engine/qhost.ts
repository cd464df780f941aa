/** qhost: nodes, with their queue and their jobs. */
import type { NodeView } from '../../../proto/node.ts'
import type { ProgramContext } from '../programs.ts'
import { Failure, gridEngineProgram } from './failure.ts'
import { rowsOf, textTime, type Row } from './job-rows.ts'
import { allSaid, isSaid, readFlags, type FlagTable, type Said } from './option-table.ts'
import { archOf, instancesOf, type Instance } from './queue-instances.ts'
import { shownQueue } from './queue-names.ts'
import { matches } from './values.ts'

const flags: FlagTable = {
  '-F': { mayTake: true },
  '-h': { takes: 1 },
  '-help': {},
  '-j': {},
  '-l': { takes: 1 },
  '-ncb': {},
  '-q': {},
  '-u': { takes: 1 },
  '-xml': {},
}

export type Host = { node: NodeView; instances: Instance[]; rows: Row[] }

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv } = context
  const { toolHelp } = await import('./help.ts')
  const read = readFlags(flags, argv)
  if (!read.ok) throw new Failure(`${toolHelp('qhost', flags)}${read.problem}`, 1)
  const { said } = read
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp('qhost', flags))
    return 0
  }
  if (isSaid(said, '-F') || isSaid(said, '-l'))
    throw new Failure('error: -F and -l are not there: see labels and limits with eg node show', 1)
  const hosts = await hostsOf(context, said)
  const wanted = { queues: isSaid(said, '-q'), jobs: isSaid(said, '-j') || isSaid(said, '-u') }
  if (isSaid(said, '-xml')) {
    const { hostXml } = await import('./qhost-xml.ts')
    terminal.out(hostXml(hosts, wanted))
  } else terminal.out(hostText(hosts, wanted))
  return 0
})

async function hostsOf(context: ProgramContext, said: readonly Said[]): Promise<Host[]> {
  const client = await context.client()
  const withQueues = isSaid(said, '-q')
  const withJobs = withQueues || isSaid(said, '-j') || isSaid(said, '-u')
  const [{ nodes }, { jobs }, { queues }] = await Promise.all([
    client.call('listNodes'),
    withJobs
      ? client.call('listJobs', { query: { all: true, tasks: true, limit: 100_000 } })
      : { jobs: [] },
    withQueues ? client.call('listQueues') : { queues: [] },
  ])
  const names = allSaid(said, '-h').flatMap((list) => list.split(','))
  const unknown = names.find((name) => !nodes.some((node) => matches(name, node.name)))
  if (unknown !== undefined) throw new Failure(`error: no such host "${unknown}"`, 1)
  const running = rowsOf(jobs, context.terminal.now()).filter(({ isRunning }) => isRunning)
  const instances = instancesOf(nodes, queues, running)
  const users = allSaid(said, '-u').flatMap((list) => list.split(','))
  const isWanted = ({ job }: Row) =>
    users.length === 0 || users.some((user) => matches(user, job.owner))
  return nodes
    .filter((node) => names.length === 0 || names.some((name) => matches(name, node.name)))
    .map((node) => ({
      node,
      instances: instances.filter((one) => one.node === node.name),
      rows: running.filter((row) => row.node === node.name && isWanted(row)),
    }))
}

type Wanted = { queues: boolean; jobs: boolean }
const header =
  'HOSTNAME                ARCH         NCPU NSOC NCOR NTHR  LOAD  MEMTOT  MEMUSE  SWAPTO  SWAPUS'
const nothing = '-'

/** What a node has: its slots stand for its processors; load, sockets and swap are not known. */
export const hostValues = ({ node }: Host): string[] => [
  archOf(node),
  String(node.slots),
  ...[nothing, nothing, nothing, nothing],
  sizeText(node.memBytes),
  sizeText(node.memUsedBytes),
  nothing,
  nothing,
]

export const globalValues: readonly string[] = Array.from({ length: 10 }, () => nothing)

function hostLine(name: string, values: readonly string[]): string {
  const [arch = '', ...rest] = values
  const widths = [5, 5, 5, 5, 6, 8, 8, 8, 8]
  const cells = rest.map((value, at) => value.padStart(widths[at] ?? 0))
  return `${name.slice(0, 23).padEnd(23)} ${arch.padEnd(12)}${cells.join('')}\n`
}

function hostText(hosts: readonly Host[], wanted: Wanted): string {
  let isFirst = true
  const parts = hosts.map((host) => {
    const queue = wanted.queues ? queueLines(host, wanted.jobs) : ''
    const jobs =
      wanted.jobs && !wanted.queues && host.rows.length > 0
        ? jobLines(host.rows, isFirst, false)
        : ''
    if (jobs !== '') isFirst = false
    return hostLine(host.node.name, hostValues(host)) + queue + jobs
  })
  return `${header}\n${'-'.repeat(94)}\n${hostLine('global', globalValues)}${parts.join('')}`
}

/** Each queue with its jobs under it. */
const queueLines = ({ instances, rows }: Host, withJobs: boolean): string =>
  instances
    .map((one) => {
      const own = rows.filter((row) => shownQueue(row.job.queue) === one.queue)
      return queueLine(one) + (withJobs ? jobLines(own, false, true) : '')
    })
    .join('')

const queueLine = ({ queue, used, total, states }: Instance): string =>
  `   ${queue.padEnd(20)} BIP   ${`0/${used}/${total}`.padEnd(14)}${states}\n`

const jobHeader =
  '   job-ID  prior   name       user         state submit/start at     queue      master ja-task-ID \n' +
  `   ${'-'.repeat(94)}\n`

/** Under the line of their queue, jobs need no title, and do not say the queue again. */
function jobLines(rows: readonly Row[], isFirst: boolean, inQueue: boolean): string {
  const lines = rows.map(({ job, prior, state, at, node, tasks }) => {
    const queue = `${shownQueue(job.queue)}@${node}`
    const cells = [
      String(job.id).padStart(7),
      prior.toFixed(5),
      job.name.slice(0, 10).padEnd(10),
      job.owner.slice(0, 12).padEnd(12),
      state.padEnd(5),
      textTime(at),
      ...(inQueue ? [] : [queue.slice(0, 10).padEnd(10)]),
      'MASTER',
      tasks ?? ' '.repeat(7),
    ]
    return `   ${cells.join(' ')}\n`
  })
  return (isFirst && !inQueue ? jobHeader : '') + lines.join('')
}

/** `23.5G`, with one digit after the point. */
function sizeText(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T']
  const step = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(1)}${units[step]}`
}
