/** What to ask of the driver so that the current run becomes what the record wants of it. */
import type { JobSpec } from '../../proto/job.ts'
import { mayStart, type Around } from './around.ts'
import { outcomeOf } from './outcome.ts'
import { currentRun, isSingleCopy, wantsSingleCopy } from './record.ts'
import type { Ending, PlacementRecord, RunRecord } from './record.ts'
import type { StopOrder } from './run.ts'
import { leftoverGraceMs, leftoverPatienceMs, stopOrder } from './stop-plan.ts'

export type Action =
  | { kind: 'start'; run: number }
  | { kind: 'stop'; run: number; order: StopOrder }
  | { kind: 'suspend'; run: number }
  | { kind: 'resume'; run: number }
  | { kind: 'limit'; run: number }
  /** The run was started as one that a cut-off node keeps, and is no such one any more. */
  | { kind: 'single-copy'; run: number }

/** What this start of the agent has already asked: forgotten with it, so that it asks again. */
export type Asked = {
  run: number | null
  started: boolean
  stopGraceMs: number | null
  suspended: boolean | null
  limits: string | null
  singleCopy: boolean
}

export const nothingAsked: Asked = {
  run: null,
  started: false,
  stopGraceMs: null,
  suspended: null,
  limits: null,
  singleCopy: false,
}

export type Steered = { asked: Asked; actions: Action[]; wakeInMs: number | null }

/** A run that is stopping is looked at so often, for what could not be killed. */
const stoppingLookMs = 1_000

export function steer(record: PlacementRecord, before: Asked, around: Around): Steered {
  const run = currentRun(record)
  if (run === null) return { asked: nothingAsked, actions: [], wakeInMs: null }
  const number = run.report.number
  const asked = before.run === number ? before : { ...nothingAsked, run: number }
  const outcome = outcomeOf(run, around.seen, around)
  if (outcome.kind === 'absent' || run.state === 'intended')
    return begin(record, run, asked, around)
  const ending = record.ending ?? record.runEnding
  if (ending !== null) return stop(record, asked, ending)
  if (outcome.kind === 'leftover') {
    const sinceMs = around.now - (around.seen?.endedAt ?? around.now)
    const waitMs = leftoverPatienceMs - sinceMs
    if (waitMs > 0 && sinceMs >= 0) return { asked, actions: [], wakeInMs: waitMs }
    return stop(record, asked, { cause: outcome.cause, graceMs: leftoverGraceMs })
  }
  return tend(record, run, asked, around)
}

function begin(record: PlacementRecord, run: RunRecord, asked: Asked, around: Around): Steered {
  if (asked.started || !mayStart(record, around)) return { asked, actions: [], wakeInMs: null }
  return {
    asked: {
      ...asked,
      started: true,
      limits: run.limits,
      singleCopy: wantsSingleCopy(record.order),
    },
    actions: [{ kind: 'start', run: run.report.number }],
    wakeInMs: null,
  }
}

function stop(record: PlacementRecord, asked: Asked, ending: Ending): Steered {
  const order = stopOrder(record, ending)
  if (asked.run === null || (asked.stopGraceMs !== null && asked.stopGraceMs <= order.graceMs)) {
    return { asked, actions: [], wakeInMs: stoppingLookMs }
  }
  return {
    asked: { ...asked, stopGraceMs: order.graceMs },
    actions: [{ kind: 'stop', run: asked.run, order }],
    wakeInMs: stoppingLookMs,
  }
}

/** A run that goes on: suspended or not, with the limits of the newest order. */
function tend(record: PlacementRecord, run: RunRecord, before: Asked, around: Around): Steered {
  const actions: Action[] = []
  const number = run.report.number
  const asked = { ...before }
  const wantSuspended = record.order.want.kind === 'suspend'
  if (!wantSuspended && asked.suspended === false) record.frozen = false
  const hasBegun = run.report.pid !== null && (around.seen?.cause ?? null) === null
  if (wantSuspended && asked.suspended !== true && hasBegun) {
    actions.push({ kind: 'suspend', run: number })
    asked.suspended = true
    record.frozen = true
  }
  if (!wantSuspended && record.frozen) {
    actions.push({ kind: 'resume', run: number })
    asked.suspended = false
  }
  asked.limits ??= run.limits
  const wanted = limitsText(record.order.spec)
  if (wanted !== asked.limits && around.seen !== null) {
    actions.push({ kind: 'limit', run: number })
    asked.limits = wanted
  }
  if (isSingleCopy(record) && !asked.singleCopy && around.seen !== null) {
    actions.push({ kind: 'single-copy', run: number })
    asked.singleCopy = true
  }
  return { asked, actions, wakeInMs: null }
}

/** The part of a spec that a live run can be given anew. */
export function limitsText(spec: JobSpec): string {
  return JSON.stringify([spec.slots, spec.cpuCores, spec.memBytes, spec.pids])
}
