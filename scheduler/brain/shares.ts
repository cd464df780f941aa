/** Fair shares over restarts. */
import type { ShareRow } from '../store/change.ts'
import type { BrainContext } from './context.ts'

const keptEveryMs = 60_000

/** While we were away what was placed went on running; a clock that was set back has seen no time pass. */
export function restoreShares(ctx: BrainContext, rows: readonly ShareRow[]): void {
  const now = ctx.clock.now()
  for (const { owner, average, at } of rows)
    ctx.state.shares.restore(owner, average, Math.max(0, now - at))
}

/** Writes down what changed: a crash forgets what was used in the last minute, which is little of a half-life. */
export class ShareKeeper {
  readonly #ctx: BrainContext
  #keptAt = Number.NEGATIVE_INFINITY

  constructor(ctx: BrainContext) {
    this.#ctx = ctx
  }

  /** Now and then. */
  look(): void {
    if (this.#ctx.clock.uptime() - this.#keptAt >= keptEveryMs) this.keep()
  }

  keep(): void {
    const { clock, state, journal } = this.#ctx
    this.#keptAt = clock.uptime()
    const at = clock.now()
    for (const { owner, average } of state.shares.takeChanged()) {
      if (average === 0) journal.change({ drop: 'share', owner })
      else journal.change({ put: 'share', row: { owner, average, at } })
    }
  }
}
