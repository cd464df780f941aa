/**
 * The life of one placement on its node. Level-triggered: called after anything that may have changed, it
 * says what the record becomes, and what to ask of the driver once that record is on disk.
 */
import type { Cause } from '../../proto/cause.ts'
import { mayStart, type Around } from './around.ts'
import { notice, noticeBoot } from './notice.ts'
import { outcomeOf } from './outcome.ts'
import { phaseOf } from './phase.ts'
import { currentRun, isEnded, newRun } from './record.ts'
import type { PlacementRecord, RunRecord } from './record.ts'
import { afterRun } from './restart.ts'
import { limitsText, steer, type Action, type Asked } from './steer.ts'

export type Step = {
  record: PlacementRecord
  asked: Asked
  actions: Action[]
  /** Look again after so long, even if nothing happens. */
  wakeInMs: number | null
}

/** Unacknowledged ended runs kept of one placement; of these the newest few with their output. */
const runsKept = 50
const tailsKept = 3

export function step(before: PlacementRecord, asked: Asked, around: Around): Step {
  if (isEnded(before)) return { record: before, asked, actions: [], wakeInMs: null }
  const record: PlacementRecord = { ...before, runs: before.runs.map((run) => ({ ...run })) }
  notice(record, around)
  const run = currentRun(record)
  if (run !== null) observe(record, run, around)
  noticeBoot(record, around)
  const started = startNext(record, around)
  const steered = steer(record, asked, around)
  record.phase = phaseOf(record, around)
  stamp(before, record)
  trim(record)
  const wakeInMs = earliest(started, steered.wakeInMs)
  const changed = record.version !== before.version || !sameKept(before, record)
  return { ...steered, record: changed ? record : before, wakeInMs }
}

/** Takes what the driver says into the record of the current run. */
function observe(record: PlacementRecord, run: RunRecord, around: Around): void {
  const { seen, startFailure } = around
  const failed = startFailure !== null && startFailure.run === run.report.number
  const outcome = outcomeOf(run, seen, around)
  if (outcome.kind === 'absent') {
    if (failed) finishRun(record, run, startFailure.cause, around)
    else if (record.ending !== null) record.runs.pop()
    return
  }
  if (seen !== null) {
    run.state = 'begun'
    const { pid, startedAt, outMark, errMark } = seen
    run.report = { ...run.report, pid, startedAt, outMark, errMark }
  }
  if (outcome.kind === 'over') finishRun(record, run, outcome.cause, around)
}

function finishRun(record: PlacementRecord, run: RunRecord, cause: Cause, around: Around): void {
  const { seen, tail } = around
  run.state = 'over'
  // Its end and its cause are told together, when nothing of it is left.
  const endedAt = seen?.endedAt ?? around.now
  run.report = { ...run.report, endedAt, cause, usage: seen?.usage ?? null, tail }
  const { spec } = record.order
  const asked = record.runEnding?.run === run.report.number ? record.runEnding : null
  record.runEnding = null
  record.backoff = null
  record.frozen = false
  if (record.ending !== null) return
  if (spec.kind === 'task') {
    record.ending = { cause, graceMs: null }
    return
  }
  const lastedMs = Math.max(0, endedAt - (run.report.startedAt ?? endedAt))
  const ended = { cause: asked?.cause ?? cause, lastedMs, policy: spec.restart }
  const next = afterRun(ended, record.failures, around.random)
  if (next.kind === 'over') {
    record.ending = { cause: next.cause, graceMs: null }
    return
  }
  record.failures = next.failures
  record.backoff = {
    until: around.now + next.delayMs,
    untilUptimeMs: around.uptimeMs + next.delayMs,
  }
}

/** Notes the next run where one is due; `steer` then asks for it. Answers in how many ms to look again. */
function startNext(record: PlacementRecord, around: Around): number | null {
  if (currentRun(record) !== null || record.ending !== null) return null
  if (record.order.want.kind !== 'run' || !mayStart(record, around)) return null
  const waitMs = (record.backoff?.untilUptimeMs ?? around.uptimeMs) - around.uptimeMs
  if (waitMs > 0) return waitMs
  record.runs.push({
    bootId: around.bootId,
    state: 'intended',
    version: record.version,
    limits: limitsText(record.order.spec),
    report: newRun(record.nextRun),
  })
  record.nextRun += 1
  record.bootId = around.bootId
  return null
}

/** Gives a new version to the record and to each run that changed. */
function stamp(before: PlacementRecord, record: PlacementRecord): void {
  const old = new Map(before.runs.map((run) => [run.report.number, JSON.stringify(run.report)]))
  const version = before.version + 1
  let changed = JSON.stringify(before.phase) !== JSON.stringify(record.phase)
  for (const run of record.runs) {
    if (old.get(run.report.number) === JSON.stringify(run.report)) continue
    run.version = version
    // A run that is only intended is not news yet.
    if (run.state !== 'intended') changed = true
  }
  if (changed) record.version = version
  else for (const run of record.runs) run.version = Math.min(run.version, before.version)
}

function trim(record: PlacementRecord): void {
  const over = record.runs.filter((run) => run.state === 'over')
  for (const run of over.slice(0, -tailsKept)) {
    if (run.report.tail !== null) run.report = { ...run.report, tail: null }
  }
  if (over.length <= runsKept) return
  const dropped = new Set(over.slice(0, over.length - runsKept))
  record.runs = record.runs.filter((run) => !dropped.has(run))
}

/** What must survive us but is no news to the scheduler. */
function sameKept(before: PlacementRecord, record: PlacementRecord): boolean {
  return JSON.stringify(kept(before)) === JSON.stringify(kept(record))
}

const kept = (record: PlacementRecord): unknown[] => [
  record.nextRun,
  record.failures,
  record.restartsSeen,
  record.backoff,
  record.ending,
  record.runEnding,
  record.stoppingSince,
  record.frozen,
  record.bootId,
  record.runs.map((run) => [run.report.number, run.state]),
]

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
