/** What makes a placement or its run end: orders, the lease, a failed check, a boot in between. */
import type { Around } from './around.ts'
import { overdue } from './lease.ts'
import { currentRun, isSingleCopy } from './record.ts'
import type { Ending, PlacementRecord } from './record.ts'
import { quicker } from './stop-plan.ts'

export function notice(record: PlacementRecord, around: Around): void {
  const { want } = record.order
  if (want.kind === 'stop') end(record, { cause: want.cause, graceMs: want.graceMs })
  noticeLease(record, around)
  noticeRestart(record)
  noticeUnhealthy(record, around)
}

const end = (record: PlacementRecord, ending: Ending): void => {
  record.ending = quicker(record.ending, ending)
}

function noticeLease(record: PlacementRecord, around: Around): void {
  if (!isSingleCopy(record)) return
  const late = overdue(around.lease, around.uptimeMs)
  if (late === null) return
  const graceMs = record.ending?.graceMs ?? null
  if (record.ending !== null && graceMs !== null && graceMs <= late.atMostMs) return
  end(record, { cause: { kind: 'lease-expired', node: around.node }, graceMs: late.leftMs })
}

/** After a reboot the scheduler may place again what ran here: only a new epoch may run. */
export function noticeBoot(record: PlacementRecord, around: Around): void {
  if (record.ending !== null || currentRun(record) !== null) return
  if (record.bootId === null || record.bootId === around.bootId) return
  const why = 'the machine was started again'
  end(record, { cause: { kind: 'node-lost', node: around.node, why }, graceMs: null })
}

function noticeRestart(record: PlacementRecord): void {
  const { restart, spec } = record.order
  if (restart.count <= record.restartsSeen) return
  record.restartsSeen = restart.count
  if (spec.kind !== 'continuous' || record.ending !== null) return
  record.failures = 0
  const run = currentRun(record)
  if (run === null) {
    record.backoff = null
    return
  }
  const cause = { kind: 'restarted', by: restart.by, why: restart.why } as const
  record.runEnding = {
    run: run.report.number,
    ...quicker(record.runEnding, { cause, graceMs: null }),
  }
}

function noticeUnhealthy(record: PlacementRecord, around: Around): void {
  const { unhealthy } = around
  const run = currentRun(record)
  if (unhealthy === null || run === null || unhealthy.run !== run.report.number) return
  if (record.runEnding !== null || record.ending !== null) return
  const cause = { kind: 'unhealthy', check: unhealthy.check, detail: unhealthy.detail } as const
  record.runEnding = { run: run.report.number, cause, graceMs: null }
}
