/** The entries that one decision writes; neighbouring skipped or missed due times share one. */
import type { Millis } from '../../../proto/ids.ts'
import type { FiringOutcome } from '../../../proto/schedule.ts'
import { withOne } from '../with-one.ts'
import type { CronExpression } from './expression.ts'
import type { Window } from './missed.ts'
import { countDue, newestDue, nextDue } from './next-due.ts'

export type LedgerEntry = {
  dueAt: Millis
  /** The last due time of a shared entry. */
  until: Millis | null
  count: number
  outcome: FiringOutcome
  manual: boolean
  why: string
  at: Millis
}

const none: readonly LedgerEntry[] = []

export class Ledger {
  readonly #lastEntry: LedgerEntry | null
  readonly #firedAhead: readonly Millis[]
  readonly #nowMs: Millis
  #entries: readonly LedgerEntry[] = none
  #grown: LedgerEntry | null = null

  constructor(lastEntry: LedgerEntry | null, firedAhead: readonly Millis[], nowMs: Millis) {
    this.#lastEntry = lastEntry
    this.#firedAhead = firedAhead
    this.#nowMs = nowMs
  }

  add(dueAt: Millis, outcome: FiringOutcome, why: string, manual = false): void {
    this.#put({ dueAt, until: null, count: 1, outcome, manual, why, at: this.#nowMs })
  }

  /** One entry for all due times of the window, if it has any. */
  cover(
    expression: CronExpression,
    { afterMs, untilMs }: Window,
    outcome: FiringOutcome,
    why: string,
  ): void {
    const count = countDue(expression, afterMs, untilMs)
    const dueAt = nextDue(expression, afterMs)
    if (count === 0 || dueAt === null) return
    const until = count === 1 ? null : newestDue(expression, afterMs, untilMs, 1)[0]!
    this.#put({ dueAt, until, count, outcome, manual: false, why, at: this.#nowMs })
  }

  close(): { grown: LedgerEntry | null; entries: readonly LedgerEntry[] } {
    return { grown: this.#grown, entries: this.#entries }
  }

  #put(entry: LedgerEntry): void {
    const entries = this.#entries
    const before = entries.at(-1) ?? this.#grown ?? this.#lastEntry
    if (before === null || !mayShare(before, entry) || this.#isParted(before, entry)) {
      this.#entries = withOne(entries, entry)
      return
    }
    const shared = {
      ...before,
      until: entry.until ?? entry.dueAt,
      count: before.count + entry.count,
      at: this.#nowMs,
    }
    if (entries.length > 0) this.#entries = entries.with(entries.length - 1, shared)
    else this.#grown = shared
  }

  #isParted(before: LedgerEntry, entry: LedgerEntry): boolean {
    return this.#firedAhead.some((fired) => fired < entry.dueAt && fired > before.dueAt)
  }
}

function mayShare(before: LedgerEntry, entry: LedgerEntry): boolean {
  return (
    (entry.outcome === 'skipped' || entry.outcome === 'missed') &&
    before.outcome === entry.outcome &&
    before.why === entry.why &&
    !before.manual &&
    !entry.manual
  )
}
