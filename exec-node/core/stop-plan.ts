/** How a run is brought to its end: which cause it gets, which signal, how much grace. */
import type { Ending, PlacementRecord } from './record.ts'
import type { StopOrder } from './run.ts'

/** What is left of a run after its command has ended gets this much time, then SIGKILL. */
export const leftoverGraceMs = 5_000
/** Processes that end with their parent are given this long before anybody signals them. */
export const leftoverPatienceMs = 1_000

export function stopOrder(record: PlacementRecord, ending: Ending): StopOrder {
  const { stop } = record.order.spec
  return { cause: ending.cause, signal: stop.signal, graceMs: ending.graceMs ?? stop.graceMs }
}

/** A placement ends for the first reason given; a later one can only make it quicker. */
export function quicker(present: Ending | null, next: Ending): Ending {
  if (present === null) return next
  if (next.graceMs === null) return present
  const graceMs = present.graceMs === null ? next.graceMs : Math.min(present.graceMs, next.graceMs)
  return graceMs === present.graceMs ? present : { cause: present.cause, graceMs }
}
