/** The entries that one decision writes; neighbouring skipped or missed due times share one. */
import type { Millis } from '../../../proto/ids.ts'
import type { FiringOutcome } from '../../../proto/schedule.ts'
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

export type Ledger = {
  add(dueAt: Millis, outcome: FiringOutcome, why: string, manual?: boolean): void
  /** One entry for all due times of the window, if it has any. */
  cover(expression: CronExpression, window: Window, outcome: FiringOutcome, why: string): void
  close(): { grown: LedgerEntry | null; entries: readonly LedgerEntry[] }
}

export function newLedger(
  lastEntry: LedgerEntry | null,
  firedAhead: readonly Millis[],
  nowMs: Millis,
): Ledger {
  const entries: LedgerEntry[] = []
  let grown: LedgerEntry | null = null

  function put(entry: LedgerEntry): void {
    const before = entries.at(-1) ?? grown ?? lastEntry
    const isParted = firedAhead.some((fired) => fired < entry.dueAt && fired > (before?.dueAt ?? 0))
    if (before === null || isParted || !mayShare(before, entry)) {
      entries.push(entry)
      return
    }
    const shared = {
      ...before,
      until: entry.until ?? entry.dueAt,
      count: before.count + entry.count,
      at: nowMs,
    }
    if (entries.length > 0) entries[entries.length - 1] = shared
    else grown = shared
  }

  return {
    add: (dueAt, outcome, why, manual = false) =>
      put({ dueAt, until: null, count: 1, outcome, manual, why, at: nowMs }),
    cover(expression, { afterMs, untilMs }, outcome, why) {
      const count = countDue(expression, afterMs, untilMs)
      const dueAt = nextDue(expression, afterMs)
      if (count === 0 || dueAt === null) return
      const until = count === 1 ? null : newestDue(expression, afterMs, untilMs, 1)[0]!
      put({ dueAt, until, count, outcome, manual: false, why, at: nowMs })
    },
    close: () => ({ grown, entries }),
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
