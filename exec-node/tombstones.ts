/** Placements that are over and forgotten: an order that was under way meanwhile must not start them again. */
import type { Clock } from '../src/lib/clock.ts'

/** Far longer than any order can be under way: a silent stream is closed after 30 s. */
const keptMs = 600_000
const sweptAbove = 10_000

export class Tombstones {
  readonly #over = new Map<string, { epoch: number; atUptimeMs: number }>()
  readonly #clock: Clock
  #sweepAt = sweptAbove

  constructor(clock: Clock) {
    this.#clock = clock
  }

  epoch(task: string): number | null {
    return this.#over.get(task)?.epoch ?? null
  }

  add(task: string, epoch: number): void {
    const known = this.#over.get(task)
    const highest = Math.max(epoch, known?.epoch ?? 0)
    this.#over.delete(task)
    this.#over.set(task, { epoch: highest, atUptimeMs: this.#clock.uptime() })
    if (this.#over.size > this.#sweepAt) this.#sweep()
  }

  /** Oldest first, as they were added. */
  #sweep(): void {
    const before = this.#clock.uptime() - keptMs
    for (const [task, { atUptimeMs }] of this.#over) {
      if (atUptimeMs > before) break
      this.#over.delete(task)
    }
    this.#sweepAt = Math.max(sweptAbove, this.#over.size * 2)
  }
}
