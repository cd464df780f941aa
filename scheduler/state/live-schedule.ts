/** A schedule in memory. */
import type { ScheduleSpec } from '../../proto/schedule.ts'
import type { CronExpression } from '../core/cron/expression.ts'
import type { Waiting } from '../core/cron/firing.ts'
import type { RecentStart } from '../core/cron/fuse.ts'
import type { LedgerEntry } from '../core/cron/ledger.ts'

export type Paused = { by: string; why: string; at: number }

export type LastEntry = LedgerEntry & { jobId: number | null }

/** What survives a restart beside spec and cursor. */
export type StoredSchedule = {
  paused: Paused | null
  firedAhead: readonly number[]
  queue: readonly Waiting[]
  lastEntry: LastEntry | null
}

export type LiveSchedule = StoredSchedule & {
  readonly owner: string
  readonly name: string
  spec: ScheduleSpec
  cron: CronExpression
  /** Mark of the settings that what is stored of its jobs' spec was made with; null: it is to be written. */
  templateOf: string | null
  /** Due times up to here are in the ledger. */
  cursorAt: number
  nextDue: number | null
  /** Its newest place in the queue of due schedules. */
  armedAt: number | null
  /** Live jobs that it started. Never changed in place: nearly always there is none or one. */
  liveJobs: readonly number[]
  /** Its newest starts, for the fuse. */
  recentStarts: readonly RecentStart[]
  /** Time of its newest manual run. */
  manualAt: number | null
  /** Uptime when an event last told of its fuse. */
  fuseToldAt: number | null
  /** Its fired times are being looked up after the clock was set back. */
  rewinding: boolean
}

export const scheduleKey = (owner: string, name: string): string => `${owner}\0${name}`
