/** What the scheduler's thread and the store's thread say to each other. */
import type { Batch } from './batch.ts'
import type { EngineOptions } from './engine.ts'
import type { Piece } from './load.ts'
import type { Store, StoreError } from './store.ts'

export type ThreadStart = { path: string; options: Omit<EngineOptions, 'onReserve' | 'migrations'> }

/** Between threads changes go as a batch. */
export type BatchStore = { commitBatch(batch: Batch): Promise<void> }
export type Call = Exclude<keyof Store, 'commit'> | keyof BatchStore

export type Demand = { id: number; call: Call; args: readonly unknown[] }

export type Report =
  | { what: 'open' }
  | { what: 'refused'; error: ErrorText }
  | { what: 'reserve'; held: boolean }
  | { what: 'piece'; id: number; piece: Piece }
  | { what: 'done'; id: number; value: unknown }
  | { what: 'failed'; id: number; error: ErrorText }

/** Classes do not survive the way between threads. */
export type ErrorText = { kind: StoreError['kind']; message: string }
