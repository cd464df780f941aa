/** What the scheduler is told that a placement does: follows from its record and the facts of its run. */
import type { Phase } from '../../proto/sync.ts'
import type { Around } from './around.ts'
import { outcomeOf } from './outcome.ts'
import { currentRun } from './record.ts'
import type { PlacementRecord } from './record.ts'
import { isCrashLoop } from './restart.ts'

export function phaseOf(record: PlacementRecord, around: Around): Phase {
  const run = currentRun(record)
  const { ending, backoff } = record
  if (run === null) {
    record.stoppingSince = null
    if (ending !== null) return { kind: 'ended', cause: endCause(record) }
    return backoff === null ? restingPhase(record) : waiting(record, backoff.until)
  }
  const outcome = outcomeOf(run, around.seen, around)
  if (outcome.kind === 'absent' || run.state === 'intended') return restingPhase(record)
  if (ending !== null || record.runEnding !== null || outcome.kind === 'leftover') {
    record.stoppingSince ??= around.now
    const stuck = around.seen?.stuck.map((process) => ({ ...process })) ?? []
    return { kind: 'stopping', since: record.stoppingSince, stuck }
  }
  record.stoppingSince = null
  const { number, startedAt, pid } = run.report
  if (pid === null || startedAt === null) return restingPhase(record)
  if (record.order.want.kind === 'suspend') return { kind: 'suspended', run: number }
  return { kind: 'running', run: number, since: startedAt, healthy: around.healthy }
}

/** Between the order and the first instruction: accepted, or as it was. */
function restingPhase(record: PlacementRecord): Phase {
  return record.phase.kind === 'backoff' ? record.phase : { kind: 'accepted' }
}

function waiting(record: PlacementRecord, until: number): Phase {
  const { failures } = record
  return { kind: 'backoff', until, failures, crashLoop: isCrashLoop(failures) }
}

/** A task ends as its run did; a continuous job for the reason that nothing runs any more. */
function endCause(record: PlacementRecord): NonNullable<PlacementRecord['ending']>['cause'] {
  const { ending, order, runs } = record
  const last = runs.at(-1)?.report.cause ?? null
  if (order.spec.kind === 'task' && last !== null) return last
  return ending?.cause ?? { kind: 'outcome-unknown', detail: 'it ended without a reason' }
}
