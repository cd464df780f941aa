/** Queue instances: each queue on each of its nodes, with its slots and its state. */
import type { NodeView } from '../../../proto/node.ts'
import type { QueueView } from '../../../proto/queue.ts'
import type { Row } from './job-rows.ts'
import { shownQueue } from './queue-names.ts'

export type Instance = {
  queue: string
  node: string
  used: number
  total: number
  /** `d` closed, `u` not heard of, `E` in quarantine or unhealthy. */
  states: string
  arch: string
}

/** `rows` are those of everybody: what each queue holds on a node is counted from them. */
export function instancesOf(
  nodes: readonly NodeView[],
  queues: readonly QueueView[],
  rows: readonly Row[],
): Instance[] {
  const used = (queue: string, node: string) =>
    rows
      .filter((row) => row.node === node && row.job.queue === queue)
      .reduce((sum, { job }) => sum + job.slots, 0)
  return queues.flatMap((queue) =>
    nodes
      .filter((node) => serves(queue, node))
      .map((node) => ({
        queue: shownQueue(queue.name),
        node: node.name,
        used: used(queue.name, node.name),
        total: node.slots,
        states: statesOf(node, queue),
        arch: archOf(node),
      }))
      // Grid Engine has no queue for what never ends: it is shown where it runs.
      .filter((one) => !queue.builtIn || one.queue === 'all.q' || one.used > 0),
  )
}

const serves = ({ nodes, where }: QueueView, { name, labels }: NodeView): boolean =>
  (nodes.length === 0 || nodes.includes(name)) &&
  Object.entries(where).every(([label, value]) => labels[label] === value)

export const archOf = ({ labels }: NodeView): string =>
  labels['arch'] === 'arm64' ? 'lx-arm64' : 'lx-amd64'

function statesOf(node: NodeView, queue: QueueView): string {
  const isAway = node.state === 'lost' || node.state === 'silent' || node.state === 'joining'
  const isClosed = node.cordoned || node.drain !== null || queue.closed !== null
  const isBad = !isClosed && node.reason !== null && !isAway
  return `${isClosed ? 'd' : ''}${isBad ? 'E' : ''}${isAway ? 'u' : ''}`
}

export const instanceName = ({ queue, node }: Instance): string => `${queue}@${node}`

export const instanceHeader =
  'queuename                      qtype resv/used/tot. load_avg arch          states\n'

/** No load is known: nothing here is placed by it. */
export function instanceLine(instance: Instance): string {
  const slots = `0/${instance.used}/${instance.total}`
  const words = [
    instanceName(instance).slice(0, 30).padEnd(30),
    'BIP  ',
    slots.padEnd(14),
    '-NA-'.padEnd(8),
    instance.arch.padEnd(13),
    instance.states,
  ]
  return `${'-'.repeat(81)}\n${words.join(' ')}\n`
}

export type Cluster = {
  name: string
  used: number
  available: number
  total: number
  closed: number
}

/** Instances of each queue together. */
export function clustersOf(instances: readonly Instance[]): Cluster[] {
  const names = [...new Set(instances.map(({ queue }) => queue))]
  return names.map((name) => {
    const own = instances.filter(({ queue }) => queue === name)
    const open = own.filter(({ states }) => states === '')
    const sum = (some: readonly Instance[], pick: (one: Instance) => number) =>
      some.reduce((all, one) => all + pick(one), 0)
    const total = sum(own, (one) => one.total)
    return {
      name,
      used: sum(own, (one) => one.used),
      available: sum(open, (one) => one.total - one.used),
      total,
      closed: total - sum(open, (one) => one.total),
    }
  })
}

/** `qstat -g c`: one line for each queue. */
export function clusterSummary(clusters: readonly Cluster[]): string {
  const rows = clusters.map(({ name, used, available, total, closed }) => {
    const cells = [used, 0, available, total, 0, closed].map((value) => String(value).padStart(6))
    return `${name.slice(0, 30).padEnd(30)}    -NA- ${cells.join(' ')} \n`
  })
  return `CLUSTER QUEUE                   CQLOAD   USED    RES  AVAIL  TOTAL aoACDS  cdsuE  \n${'-'.repeat(80)}\n${rows.join('')}`
}
