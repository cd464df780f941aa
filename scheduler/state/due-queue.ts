/**
 * Which schedules are due when. Expressions know minutes, so thousands of schedules share a time and there are few times:
 * those of one time stand in a row, in the order in which they got there.
 */
import TinyQueue from 'tinyqueue'

import type { LiveSchedule } from './live-schedule.ts'

type Row = { at: number; schedules: LiveSchedule[]; taken: number }

export class DueQueue {
  readonly #times = new TinyQueue<Row>([], (a, b) => a.at - b.at)
  readonly #rows = new Map<number, Row>()

  /** Reminds of the schedule when it is next due. */
  arm(schedule: LiveSchedule): void {
    const { nextDue, armedAt } = schedule
    if (nextDue === null || nextDue === armedAt) return
    schedule.armedAt = nextDue
    this.#rowAt(nextDue).schedules.push(schedule)
  }

  /** Takes out a schedule that is due. */
  take(now: number): LiveSchedule | null {
    const row = this.#first()
    if (row === null || row.at > now) return null
    const schedule = row.schedules[row.taken++]!
    schedule.armedAt = null
    return schedule
  }

  /** When the next one is due. */
  get nextAt(): number | null {
    return this.#first()?.at ?? null
  }

  /** With what its schedules no longer stand by passed over. */
  #first(): Row | null {
    for (let row = this.#times.peek(); row !== undefined; row = this.#times.peek()) {
      for (; row.taken < row.schedules.length; row.taken++) {
        const schedule = row.schedules[row.taken]!
        if (schedule.nextDue === row.at) return row
        if (schedule.armedAt === row.at) schedule.armedAt = null
      }
      this.#times.pop()
      this.#rows.delete(row.at)
    }
    return null
  }

  #rowAt(at: number): Row {
    const known = this.#rows.get(at)
    if (known) return known
    const row = { at, schedules: [], taken: 0 }
    this.#rows.set(at, row)
    this.#times.push(row)
    return row
  }
}
