/** What the agent keeps of one placement in its spool: the order, and what became of it here. */
import type { Cause } from '../../proto/cause.ts'
import type { Order, Phase, PlacementReport, RunReport } from '../../proto/sync.ts'

export type RunRecord = {
  /** Boot during which it was started: a run of an earlier boot is gone. */
  bootId: string
  /** `intended` is on disk before the driver is asked; `over` only when nothing of it is left. */
  state: 'intended' | 'begun' | 'over'
  /** Version of the placement at which this run last changed. */
  version: number
  /** Limits that it was started with. */
  limits: string
  report: RunReport
}

/** Why something shall end, and how much time it gets; null: what its spec says. */
export type Ending = { cause: Cause; graceMs: number | null }

export type PlacementRecord = {
  format: 1
  order: Order
  /** An earlier order of this placement said so. */
  wasSingleCopy?: boolean
  version: number
  ackedVersion: number
  phase: Phase
  runs: RunRecord[]
  nextRun: number
  failures: number
  restartsSeen: number
  backoff: { until: number; untilUptimeMs: number } | null
  /** Set once, never taken back: this placement shall end. */
  ending: Ending | null
  /** The run shall end, the placement goes on. */
  runEnding: (Ending & { run: number }) | null
  stoppingSince: number | null
  /** Its run may be suspended: set before the driver is asked, cleared after it was resumed. */
  frozen: boolean
  /** Boot in which its newest run was started. */
  bootId: string | null
}

/** `JOB.INDEX.EPOCH`: one placement of one task. */
export type PlacementKey = string

export const placementKey = (task: string, epoch: number): PlacementKey => `${task}.${epoch}`
export const keyOf = (record: PlacementRecord): PlacementKey =>
  placementKey(record.order.task, record.order.epoch)
export const runKey = (record: PlacementRecord, run: number): string => `${keyOf(record)}.${run}`

export type RunKeyParts = { task: string; epoch: number; run: number }

export function parseRunKey(key: string): RunKeyParts | null {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(key)
  if (match === null) return null
  return { task: `${match[1]}.${match[2]}`, epoch: Number(match[3]), run: Number(match[4]) }
}

/** The run that is not proven over: at most one, the newest. */
export function currentRun(record: PlacementRecord): RunRecord | null {
  const last = record.runs.at(-1)
  return last === undefined || last.state === 'over' ? null : last
}

export const isEnded = (record: PlacementRecord): boolean => record.phase.kind === 'ended'

/** Two copies of it must never run: it stops when its node is cut off. */
export const wantsSingleCopy = (order: Order): boolean => order.spec.onPartition !== 'keep'

/** Once said of a placement it holds as long as that lives: its task may be placed elsewhere by then. */
export const isSingleCopy = (record: PlacementRecord): boolean =>
  record.wasSingleCopy === true || wantsSingleCopy(record.order)

export function newRun(number: number): RunReport {
  const nothing = { pid: null, startedAt: null, endedAt: null, cause: null, usage: null }
  return { number, ...nothing, outMark: null, errMark: null, tail: null }
}

export function newRecord(order: Order): PlacementRecord {
  return {
    format: 1,
    order,
    version: 1,
    ackedVersion: 0,
    phase: { kind: 'accepted' },
    runs: [],
    nextRun: order.firstRun,
    failures: 0,
    restartsSeen: order.restart.count,
    backoff: null,
    ending: null,
    runEnding: null,
    stoppingSince: null,
    frozen: false,
    bootId: null,
  }
}

/** A run of this placement that the driver knows and no record tells of: taken into the record. */
export function withFoundRun(
  record: PlacementRecord,
  run: number,
  bootId: string,
): PlacementRecord {
  if (run < record.nextRun && record.runs.some((known) => known.report.number === run))
    return record
  const version = record.version + 1
  const found: RunRecord = { bootId, state: 'begun', version, limits: '', report: newRun(run) }
  const runs = [...record.runs.map((known) => ({ ...known })), found]
  return { ...record, version, runs, bootId, nextRun: Math.max(record.nextRun, run + 1) }
}

export function reportOf(record: PlacementRecord): PlacementReport {
  const { slots, memBytes, resources } = record.order.spec
  const fresh = record.runs.filter(
    (run) =>
      run.version > record.ackedVersion && (run.report.startedAt !== null || run.state === 'over'),
  )
  return {
    task: record.order.task,
    epoch: record.order.epoch,
    phase: record.phase,
    runs: fresh.map((run) => run.report),
    version: record.version,
    slots,
    memBytes,
    ...(resources === undefined ? {} : { resources }),
  }
}
