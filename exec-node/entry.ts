/** One placement in the agent's memory: its record as it is on disk, and what only this start of it knows. */
import type { Cause } from '../proto/cause.ts'
import { noCancel, type Cancel } from '../src/lib/clock.ts'
import type { Unhealthy } from './core/liveness.ts'
import type { PlacementKey, PlacementRecord } from './core/record.ts'
import { keyOf } from './core/record.ts'
import { nothingAsked, type Asked } from './core/steer.ts'
import type { RunFacts } from './process/run-driver.ts'

export type Change = (record: PlacementRecord) => PlacementRecord

export type Pending = {
  /** A change that could not be saved gives way to a newer one of the same name. */
  name: string
  change: Change
  /** On disk before anybody relies on it; what is not may be forgotten by a restart. */
  durable: boolean
  /** Told after the first try; what could not be saved stays pending all the same. */
  settle: (saved: boolean) => void
  failed: boolean
}

export type Entry = {
  readonly key: PlacementKey
  readonly task: string
  record: PlacementRecord
  onDisk: boolean
  asked: Asked
  pending: Pending[]
  busy: boolean
  dirty: boolean
  cancelWake: Cancel
  startFailure: { run: number; cause: Cause } | null
  unhealthy: Unhealthy | null
  healthy: boolean
  /** Facts read by the list at start: good for one turn. */
  hint: RunFacts | null
  /** Newest facts of its current run. */
  seen: RunFacts | null
  /** Ended runs whose folder is gone. */
  removed: Set<number>
  /** Ended runs of which something is left, and whether that is to be tried again by now. */
  unremoved: Map<number, { pauseMs: number; isDue: boolean }>
  sweeping: boolean
  forget: boolean
}

export function newEntry(record: PlacementRecord, onDisk: boolean): Entry {
  return {
    key: keyOf(record),
    task: record.order.task,
    record,
    onDisk,
    asked: nothingAsked,
    pending: [],
    busy: false,
    dirty: false,
    cancelWake: noCancel,
    startFailure: null,
    unhealthy: null,
    healthy: true,
    hint: null,
    seen: null,
    removed: new Set(),
    unremoved: new Map(),
    sweeping: false,
    forget: false,
  }
}
