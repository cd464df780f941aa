/**
 * The durable room's door: batch-shaped and asynchronous, so that another database can stand behind it later.
 * `commit` resolves when the changes are on disk, all or none, in call order.
 */
import type {
  AuditRow,
  Change,
  EventRow,
  FiringRow,
  JobRow,
  ReplyRow,
  RunRow,
  Snapshot,
  TakeRows,
  TaskRow,
} from './change.ts'

export type FinishedFilter = {
  owner: string | null
  kind: string | null
  /** Exact, or a pattern with `*` and `?`. */
  name: string | null
  schedule: string | null
  /** Keyset page: jobs that finished before (finishedAt, id). Newest first. */
  before: { finishedAt: number; id: number } | null
  limit: number
}

export type AuditFilter = {
  /** Only what this account did, or what was done to what is its own. */
  reader: string | null
  by: string | null
  owner: string | null
  what: string | null
  about: string | null
  job: number | null
  since: number | null
  until: number | null
  /** Keyset page: entries before this id. Newest first. */
  before: number | null
  limit: number
}

export type Queries = {
  job: { args: { id: number }; result: JobRow | null }
  specs: { args: { jobs: number[] }; result: { id: number; specJson: string }[] }
  /** Newest job of that owner and name, live or finished. */
  newestByName: { args: { owner: string; name: string }; result: JobRow | null }
  /** `lastNode`: where a job with one task ran last. */
  finished: {
    args: FinishedFilter
    result: (Omit<JobRow, 'specJson'> & { lastNode: string | null })[]
  }
  /** Touched tasks of a job, by index, from `from` on. */
  tasks: { args: { job: number; from: number; to: number; limit: number }; result: TaskRow[] }
  ranges: { args: { job: number }; result: { from: number; to: number }[] }
  runs: { args: { job: number; from: number; to: number; newest: number }; result: RunRow[] }
  /** Highest memory of ended runs of an owner's jobs of that name, the newest first. */
  pastPeaks: { args: { owner: string; name: string; limit: number }; result: number[] }
  jobEvents: { args: { job: number; limit: number }; result: EventRow[] }
  eventsAfter: { args: { id: number; limit: number; job: number | null }; result: EventRow[] }
  firings: { args: { owner: string; schedule: string; limit: number }; result: FiringRow[] }
  /** Due times after `after` that became a job, or wait to; rising. */
  firedAfter: { args: { owner: string; schedule: string; after: number }; result: number[] }
  reply: { args: { owner: string; key: string }; result: ReplyRow | null }
  audit: { args: AuditFilter; result: AuditRow[] }
  outcomes: {
    args: { jobs: number[] }
    result: { id: number; outcome: string | null; finishedAt: number | null }[]
  }
}
export type QueryName = keyof Queries

export type Store = {
  /** With `take`, the long tables are handed over as they are read, in their order, and left out of the snapshot. */
  load(take?: TakeRows): Promise<Snapshot>
  commit(changes: readonly Change[]): Promise<void>
  query<Q extends QueryName>(name: Q, args: Queries[Q]['args']): Promise<Queries[Q]['result']>
  /** Deletes finished work, events, audit entries, replies and tokens older than the given times, a small batch at a time; rows deleted. */
  prune(
    olderThan: {
      finishedAt: number
      eventAt: number
      auditAt: number
      replyAt: number
      now: number
    },
    limit: number,
  ): Promise<number>
  /** A consistent copy while running. */
  backup(path: string): Promise<void>
  close(): Promise<void>
}

/** Thrown by `commit` and at opening: the database cannot be written (disk full, read-only, locked, damaged). */
export class StoreError extends Error {
  /** `exists`: nothing was done, because something is in the way that is not written over unless told. */
  readonly kind: 'full' | 'read-only' | 'locked' | 'damaged' | 'newer-schema' | 'exists' | 'failed'
  constructor(kind: StoreError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}
