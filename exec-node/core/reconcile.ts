/**
 * Wanted against what is here. Absence from a list is never an order to stop; an order for an older epoch is
 * ignored; a newer epoch of a task makes the older one stale, which is stopped and proven gone first.
 */
import { isNewer, type Order, type OrderLine, type Revision } from '../../proto/sync.ts'
import type { PlacementKey, PlacementRecord } from './record.ts'
import { isEnded, isSingleCopy, keyOf, placementKey } from './record.ts'
import { quicker } from './stop-plan.ts'

export type Known = { grid: string | null; revision: Revision | null }

export type Verdict =
  | { kind: 'take' }
  | { kind: 'ignore'; why: string }
  /** Something between was missed: the full list is needed. */
  | { kind: 'gap' }
  | { kind: 'other-grid' }

type ListLine = Extract<OrderLine, { kind: 'full' | 'diff' }>

export function judgeLine(known: Known, line: ListLine): Verdict {
  if (known.grid !== line.grid) return { kind: 'other-grid' }
  const { revision } = known
  // The same list again is harmless, and what a new stream begins with.
  if (revision !== null && isNewer(revision, line.revision)) {
    return { kind: 'ignore', why: 'it is older than what is known' }
  }
  if (line.kind === 'full') return { kind: 'take' }
  if (revision === null || revision.incarnation !== line.revision.incarnation)
    return { kind: 'gap' }
  if (!isNewer(line.revision, revision)) return { kind: 'ignore', why: 'it is known already' }
  return line.base === revision.counter ? { kind: 'take' } : { kind: 'gap' }
}

export type Here = {
  /** Records of the order's task. */
  records: readonly PlacementRecord[]
  /** Epochs of the task whose runs no record explains. */
  strangers: readonly number[]
  /** Highest epoch of the task that is over here: an order for it came late. */
  overEpoch: number | null
}

export type OrderPlan =
  | { kind: 'ignore'; why: string }
  | { kind: 'update'; key: PlacementKey; order: Order; stale: number[] }
  | { kind: 'create'; order: Order; stale: number[] }

export function planOrder(order: Order, here: Here): OrderPlan {
  const epochs = [...here.records.map((record) => record.order.epoch), ...here.strangers]
  const highest = Math.max(here.overEpoch ?? 0, ...epochs)
  if (order.epoch < highest) return { kind: 'ignore', why: `epoch ${highest} of the task is known` }
  const own = here.records.find((record) => record.order.epoch === order.epoch)
  if (own === undefined && here.overEpoch === order.epoch) {
    return { kind: 'ignore', why: 'this placement is over' }
  }
  const stale = [...new Set(epochs.filter((epoch) => epoch < order.epoch))]
  if (own === undefined) return { kind: 'create', order, stale }
  return { kind: 'update', key: placementKey(order.task, order.epoch), order, stale }
}

/** The record under a newer order; what it said of the end of the placement stays. */
export function withOrder(record: PlacementRecord, order: Order): PlacementRecord {
  if (isEnded(record)) return record
  const known = withKnownSecrets(order, record.order)
  return { ...record, order: known, wasSingleCopy: isSingleCopy(record) }
}

/** A scheduler that was restored without its key says only the names of secrets: what this node knows still holds. */
function withKnownSecrets(order: Order, before: Order): Order {
  const missing = (order.secrets ?? []).filter((name) => !Object.hasOwn(order.spec.env, name))
  const known = missing.flatMap((name) => {
    const value = before.secrets?.includes(name) === true ? before.spec.env[name] : undefined
    return value === undefined ? [] : [[name, value]]
  })
  if (known.length === 0) return order
  const env = { ...order.spec.env, ...Object.fromEntries(known) }
  return { ...order, spec: { ...order.spec, env } }
}

/** The scheduler gave the task away: what lives here must end, it is no copy that counts. */
export function stale(record: PlacementRecord, newerEpoch: number): PlacementRecord {
  const why = `the task was placed again as epoch ${newerEpoch}`
  return withEnding(record, why)
}

export function unwanted(record: PlacementRecord): PlacementRecord {
  return withEnding(record, 'the scheduler no longer wants this placement')
}

function withEnding(record: PlacementRecord, why: string): PlacementRecord {
  if (isEnded(record)) return record
  const cause = { kind: 'cancelled', by: 'scheduler', why } as const
  return { ...record, ending: quicker(record.ending, { cause, graceMs: null }) }
}

/** What the scheduler has committed need not be said again; `removed`: ended runs whose folder is gone. */
export function acknowledged(
  record: PlacementRecord,
  version: number,
  removed: ReadonlySet<number>,
): PlacementRecord {
  const ackedVersion = Math.max(record.ackedVersion, Math.min(version, record.version))
  const runs = record.runs.filter(
    (run) => run.state !== 'over' || run.version > ackedVersion || !removed.has(run.report.number),
  )
  if (ackedVersion === record.ackedVersion && runs.length === record.runs.length) return record
  return { ...record, ackedVersion, runs }
}

/** Epochs that cannot live beside a newer one: judged anew after each start of the agent. */
export function staleOnes(records: readonly PlacementRecord[]): Map<PlacementKey, number> {
  const highest = new Map<string, number>()
  for (const { order } of records) {
    highest.set(order.task, Math.max(order.epoch, highest.get(order.task) ?? 0))
  }
  const found = new Map<PlacementKey, number>()
  for (const record of records) {
    const newest = highest.get(record.order.task) ?? 0
    if (record.order.epoch < newest && !isEnded(record)) found.set(keyOf(record), newest)
  }
  return found
}
