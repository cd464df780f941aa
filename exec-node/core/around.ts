/** What a placement sees of the world when it decides: facts and time, all handed in. */
import type { Cause } from '../../proto/cause.ts'
import type { RunReport } from '../../proto/sync.ts'
import { allowsStart, type Lease } from './lease.ts'
import { isSingleCopy, type PlacementRecord } from './record.ts'
import type { RunFacts } from './run.ts'

export type Around = {
  now: number
  uptimeMs: number
  bootId: string
  node: string
  random: number
  lease: Lease
  /** False until a report was answered in this boot. */
  answered: boolean
  /** Why no run may start although all else allows it: an older placement of the task still lives here. */
  blocked: boolean
  /** What the driver knows of the current run. */
  seen: RunFacts | null
  /** Why the driver could not start the run it was asked for. */
  startFailure: { run: number; cause: Cause } | null
  unhealthy: { run: number; check: string; detail: string } | null
  healthy: boolean
  /** The last output of the run, fetched where `seen` says that it is over. */
  tail: RunReport['tail']
}

export function mayStart(record: PlacementRecord, around: Around): boolean {
  if (!around.answered || around.blocked) return false
  return !isSingleCopy(record) || allowsStart(around.lease, around.uptimeMs)
}
