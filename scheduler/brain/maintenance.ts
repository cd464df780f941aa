/** Forgets history that is older than is kept, in small batches between other work. */
import type { Cancel } from '../../src/lib/clock.ts'
import type { BrainContext } from './context.ts'

const everyMs = 60_000
/** While the disk is full: each look tries to take the reserve back. */
const shortEveryMs = 2_000
const rowsAtOnce = 200
const repliesKeptMs = 86_400_000
/** What people did to the grid and to the work of others; what they did to their own is kept as long as events. */
const auditKeptMs = 365 * 86_400_000

export class Maintenance {
  readonly #ctx: BrainContext
  #timer: Cancel | null = null

  constructor(ctx: BrainContext) {
    this.#ctx = ctx
  }

  start(): void {
    this.#arm(this.#pauseMs)
  }

  stop(): void {
    this.#timer?.()
    this.#timer = null
  }

  /** How much room there is has changed. */
  again(): void {
    if (this.#timer === null) return
    this.#timer()
    this.#arm(this.#pauseMs)
  }

  get #pauseMs(): number {
    return this.#ctx.room.isShort ? shortEveryMs : everyMs
  }

  #arm(delayMs: number): void {
    this.#timer = this.#ctx.clock.after(delayMs, () => {
      void this.#prune().then((deleted) => {
        // Fewer than asked for is no sign that nothing is left: a batch is short where the disk is slow.
        if (this.#timer) this.#arm(deleted > 0 ? 50 : this.#pauseMs)
      })
    })
  }

  /** Rows deleted; a failure is told and tried again later. */
  async #prune(): Promise<number> {
    const { clock, settings, store, state, journal, log } = this.#ctx
    const now = clock.now()
    // Numbers of pruned jobs are never given out again.
    journal.change({ put: 'meta', key: 'nextJob', value: String(state.nextJob) })
    try {
      await journal.settled()
      const times = {
        finishedAt: now - settings.keepFinishedMs,
        eventAt: now - settings.keepEventsMs,
        auditAt: now - auditKeptMs,
        replyAt: now - repliesKeptMs,
        now,
      }
      return await store.prune(times, rowsAtOnce)
    } catch (error) {
      log.warn({ event: 'prune-failed', error: String(error) })
      return 0
    }
  }
}
