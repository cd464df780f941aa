/** A node in memory: what it said of itself, its lease from this side, why it takes no work, its drain. */
import type { DrainEnd, NodeFacts, NodeStateName, ProbeReport } from '../../proto/node.ts'
import type { LeaseTerms, Report, RunUsage } from '../../proto/sync.ts'
import { noHistory, type BreakerHistory } from '../core/breaker.ts'
import type { OtherBoot, Outstanding } from '../core/lease.ts'
import type { Shape } from '../core/placement/shape.ts'

export type Cordon = { by: string; reason: string; at: number }

export type Drain = {
  by: string
  reason: string
  startedAt: number
  deadlineAt: number | null
  then: DrainEnd
  atOnce: number
  /** Task key -> node on which its next place is reserved. */
  moving: Record<string, string>
  doneAt: number | null
}

/** With what was answered last, and why, for people. */
export type UnknownPlacement = {
  epoch: number
  then: 'keep' | 'stop'
  detail: string
  shape: Shape
}

/** Of those that hold named resources: a restart must know of them before the node speaks, for other nodes may be given the same. */
export type StoredUnknown = Pick<UnknownPlacement, 'epoch' | 'then' | 'detail'> &
  Pick<Shape, 'slots' | 'memBytes' | 'resources'> & { task: string }

/** What an operator wants stopped of what this database does not know. */
export type Unwanted = { task: string; epoch: number; by: string; why: string }

/** What survives a restart of the scheduler. */
export type StoredNode = {
  facts: NodeFacts | null
  operatorCordon: Cordon | null
  healthCordon: Cordon | null
  /** Two machines under one name: cordoned until an operator looks. */
  twinCordon: Cordon | null
  drain: Drain | null
  /** Set by a critical probe: undone when it recovers. */
  healthDrain: boolean
  outstanding: Outstanding
  /** Machine and address of the scheduler that it last reported to: from any other it is not judged. */
  spokeTo: string | null
  lastReportAt: number | null
  health: ProbeReport[]
  /** Of the ends on which it is judged only those since the start are known. */
  breaker: BreakerHistory
  /** Why the breaker keeps new work away; null while it does not. */
  quarantine: string | null
  /** Until the node has nothing of them. */
  unwanted: readonly Unwanted[]
  /** Left out where there are none. */
  holders?: StoredUnknown[]
}

export type LiveNode = Omit<StoredNode, 'holders'> & {
  readonly name: string
  state: NodeStateName
  /** Uptime of this machine when its last counted report arrived. */
  heardAt: number | null
  /** Incarnation whose orders it had when it last spoke: until that is ours, older ones may still reach it. */
  ordersFrom: number | null
  session: string | null
  sequence: number
  /** What its machine's uptime was in the newest report. */
  saidUptimeMs: number
  /** Other boots that report, by id: believed when one goes on alone, a twin when it goes on beside the known one. */
  readonly otherBoots: Map<string, OtherBoot>
  /** Its silence has been shown since this scheduler started. */
  shownSilent: boolean
  /** A full report was taken in since this scheduler started. */
  synced: boolean
  /** Set while it should say everything again. */
  wantFull: boolean
  held: LeaseTerms | null
  oddities: Report['oddities']
  /** Placements it reports that this scheduler does not know, by task: several where it has several epochs of one. */
  unknown: Map<string, UnknownPlacement[]>
  /** Keys of tasks that hold a placement there. */
  readonly tasks: Set<string>
  /** What its running runs use, as it last said: for people, never stored. */
  readonly usages: Map<string, RunUsage>
  /** Counter of its order stream. */
  counter: number
}

export function newNode(name: string): LiveNode {
  return {
    name,
    facts: null,
    operatorCordon: null,
    healthCordon: null,
    twinCordon: null,
    drain: null,
    healthDrain: false,
    outstanding: { kind: 'none' },
    spokeTo: null,
    ordersFrom: null,
    lastReportAt: null,
    health: [],
    state: 'joining',
    heardAt: null,
    session: null,
    sequence: 0,
    saidUptimeMs: 0,
    otherBoots: new Map(),
    shownSilent: false,
    synced: false,
    wantFull: true,
    held: null,
    oddities: [],
    unknown: new Map(),
    tasks: new Set(),
    usages: new Map(),
    counter: 0,
    breaker: noHistory,
    quarantine: null,
    unwanted: [],
  }
}

export function storedNode(node: LiveNode): StoredNode {
  const { facts, operatorCordon, healthCordon, twinCordon, drain, healthDrain } = node
  const { outstanding, spokeTo, lastReportAt, health, breaker, quarantine, unwanted } = node
  const holders = holdersOn(node)
  return {
    facts,
    operatorCordon,
    healthCordon,
    twinCordon,
    drain,
    healthDrain,
    outstanding,
    spokeTo,
    lastReportAt,
    health,
    breaker: { ...noHistory, quarantine: breaker.quarantine },
    quarantine,
    unwanted,
    ...(holders.length > 0 ? { holders } : {}),
  }
}

function holdersOn({ unknown }: LiveNode): StoredUnknown[] {
  if (unknown.size === 0) return []
  return [...unknown].flatMap(([task, placements]) =>
    placements.flatMap(({ epoch, then, detail, shape: { slots, memBytes, resources } }) =>
      resources === null ? [] : [{ task, epoch, then, detail, slots, memBytes, resources }],
    ),
  )
}

/** Why the node takes no new work, for people; null when it does. */
export function closedBecause(node: LiveNode): string | null {
  if (node.state !== 'up')
    return node.state === 'joining' ? 'has not reported yet' : `is ${node.state}`
  // All of them: whoever undoes one must see what still holds.
  const cordons = [
    node.operatorCordon,
    node.twinCordon,
    node.healthDrain ? null : node.healthCordon,
  ]
  const reasons = [
    node.drain && `drained by ${node.drain.by}${reasonOf(node.drain.reason)}`,
    ...cordons.map((cordon) => cordon && `cordoned by ${cordon.by}${reasonOf(cordon.reason)}`),
    node.quarantine,
  ].filter((reason) => reason !== null)
  return reasons.length === 0 ? null : reasons.join('; ')
}

const reasonOf = (reason: string): string => (reason === '' ? '' : `: ${reason}`)

export const unwantedOn = (
  { unwanted }: Pick<LiveNode, 'unwanted'>,
  task: string,
  epoch: number,
): Unwanted | undefined => unwanted.find((one) => one.task === task && one.epoch === epoch)
