/** A clock that only moves when told: between two timers everything that can run has run. */
import type { Cancel, Clock } from '../../src/lib/clock.ts'

type Timer = { at: number; order: number; call: () => void }

export class VirtualClock implements Clock {
  #uptime: number
  #wallOffset: number
  #order = 0
  #timers = new Set<Timer>()

  constructor({ now = Date.UTC(2026, 0, 1), uptime = 1_000_000 } = {}) {
    this.#uptime = uptime
    this.#wallOffset = now - uptime
  }

  now(): number {
    return Math.floor(this.#uptime + this.#wallOffset)
  }

  uptime(): number {
    return this.#uptime
  }

  after(delayMs: number, call: () => void): Cancel {
    this.#order += 1
    const timer = { at: this.#uptime + Math.max(0, delayMs), order: this.#order, call }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get pending(): number {
    return this.#timers.size
  }

  /** Steps the wall clock against the uptime. */
  stepWall(ms: number): void {
    this.#wallOffset += ms
  }

  /** A reboot: the uptime begins anew, the wall clock goes on. Timers of before are gone. */
  reboot(): void {
    this.#wallOffset += this.#uptime
    this.#uptime = 0
    this.#timers.clear()
  }

  /** The machine sleeps: time passes, and nothing runs until it is over. */
  sleep(ms: number): void {
    this.#uptime += ms
  }

  async advance(ms: number): Promise<void> {
    const end = this.#uptime + ms
    await settle()
    for (;;) {
      const next = this.#next(end)
      if (next === null) break
      this.#timers.delete(next)
      this.#uptime = Math.max(this.#uptime, next.at)
      next.call()
      await settle()
    }
    this.#uptime = Math.max(this.#uptime, end)
    await settle()
  }

  #next(end: number): Timer | null {
    let first: Timer | null = null
    for (const timer of this.#timers) {
      if (timer.at > end) continue
      if (first === null || timer.at < first.at) first = timer
      else if (timer.at === first.at && timer.order < first.order) first = timer
    }
    return first
  }
}

/** Lets promises and what they start come to rest; fakes use no real I/O, so a few turns are enough. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
