/** From the facts of a run to what became of it. */
import type { Cause } from '../../proto/cause.ts'
import type { RunRecord } from './record.ts'
import type { RunFacts } from './run.ts'

export type Outcome =
  /** Never began, and nothing of it exists. */
  | { kind: 'absent' }
  | { kind: 'alive' }
  /** The command has ended, processes of its are left. */
  | { kind: 'leftover'; cause: Cause }
  | { kind: 'over'; cause: Cause }

export type Where = { node: string; bootId: string }

/** `seen` is null where neither spool nor cgroup tree know the run. */
export function outcomeOf(run: RunRecord, seen: RunFacts | null, where: Where): Outcome {
  const earlierBoot = run.bootId !== where.bootId
  if (seen === null) {
    if (earlierBoot) return { kind: 'over', cause: lostWithBoot(where) }
    if (run.state === 'intended') return { kind: 'absent' }
    return {
      kind: 'over',
      cause: unknown('the record of the run is gone and nothing of it is left'),
    }
  }
  if (seen.populated) {
    return seen.cause === null ? { kind: 'alive' } : { kind: 'leftover', cause: seen.cause }
  }
  if (seen.cause !== null) return { kind: 'over', cause: seen.cause }
  if (earlierBoot) return { kind: 'over', cause: lostWithBoot(where) }
  // No process yet but a shepherd: it is about to start the command.
  if (seen.supervised) return { kind: 'alive' }
  return { kind: 'over', cause: unknown('the shepherd was lost before the run ended') }
}

const unknown = (detail: string): Cause => ({ kind: 'outcome-unknown', detail })
const lostWithBoot = (where: Where): Cause => ({
  kind: 'node-lost',
  node: where.node,
  why: 'the machine was started again',
})
