/** Queue instances: each queue on each of its nodes, with its slots and its state. */
import type { NodeView } from '../../../proto/node.ts'

export type Instance = {
  queue: string
  node: string
  used: number
  total: number
  /** `d` closed, `u` not heard of, `E` in quarantine or unhealthy. */
  states: string
  arch: string
}

export function instancesOf(nodes: readonly NodeView[]): Instance[] {
  return nodes.map((node) => ({
    queue: 'all.q',
    node: node.name,
    used: node.slotsUsed,
    total: node.slots,
    states: statesOf(node),
    arch: archOf(node),
  }))
}

const archOf = ({ labels }: NodeView): string =>
  labels['arch'] === 'arm64' ? 'lx-arm64' : 'lx-amd64'

function statesOf(node: NodeView): string {
  const isAway = node.state === 'lost' || node.state === 'silent' || node.state === 'joining'
  const isClosed = node.cordoned || node.drain !== null
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

/** `qstat -g c`: one line for each queue. */
export function clusterSummary(instances: readonly Instance[]): string {
  const sum = (pick: (one: Instance) => number) =>
    instances.reduce((all, one) => all + pick(one), 0)
  const closed = sum((one) => (one.states === '' ? 0 : one.total))
  const used = sum((one) => one.used)
  const total = sum((one) => one.total)
  const available = sum((one) => (one.states === '' ? one.total - one.used : 0))
  const cells = [used, 0, available, total, 0, closed].map((value) => String(value).padStart(6))
  const row = `${'all.q'.padEnd(30)}    -NA- ${cells.join(' ')} `
  return `CLUSTER QUEUE                   CQLOAD   USED    RES  AVAIL  TOTAL aoACDS  cdsuE  \n${'-'.repeat(80)}\n${row}\n`
}
