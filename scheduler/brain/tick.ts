/**
 * The tick: judges nodes, fires schedules, moves drains on, places what waits. Driven by events and gathered with
 * a minimum gap; while nothing happens it looks around once a second.
 */
import type { Cancel } from '../../src/lib/clock.ts'
import { startClock, watchClock, type ClockState } from '../core/cron/clock-guard.ts'
import { firingCaps } from '../core/cron/firing.ts'
import { place } from '../core/placement/place.ts'
import { carryOut } from './carry-out.ts'
import { note, type BrainContext } from './context.ts'
import { advanceDrains } from './drains.ts'
import type { Judge } from './judge.ts'
import { tryCanaries, watchBreakers } from './quarantine.ts'
import { fireDue } from './schedule-firing.ts'
import { refreshWaiting } from './tasks.ts'

const idleMs = 1_000
/** Placements in one tick at most: requests get their turn in between. */
const placementsPerTick = 2_000

export class Ticker {
  readonly #ctx: BrainContext
  readonly #judge: Judge
  #clockState: ClockState
  #pending: Cancel | null = null
  #pendingAt = Number.POSITIVE_INFINITY
  #lastTickAt = Number.NEGATIVE_INFINITY
  #stopped = true
  #wasHeld = false

  constructor(ctx: BrainContext, judge: Judge) {
    this.#ctx = ctx
    this.#judge = judge
    this.#clockState = startClock({ wallMs: ctx.clock.now(), monotonicMs: ctx.clock.uptime() })
  }

  start(): void {
    this.#stopped = false
    this.wake()
  }

  stop(): void {
    this.#stopped = true
    this.#pending?.()
    this.#pending = null
  }

  wake(): void {
    if (this.#stopped) return
    this.#arm(Math.max(this.#lastTickAt + this.#ctx.settings.tickGapMs, this.#ctx.clock.uptime()))
  }

  #arm(at: number): void {
    if (this.#pending && this.#pendingAt <= at) return
    this.#pending?.()
    this.#pendingAt = at
    this.#pending = this.#ctx.clock.after(at - this.#ctx.clock.uptime(), () => {
      this.#pending = null
      this.#pendingAt = Number.POSITIVE_INFINITY
      this.tick()
    })
  }

  tick(): void {
    this.#lastTickAt = this.#ctx.clock.uptime()
    this.#judge.look()
    if (this.#clockIsSteady()) fireSchedules(this.#ctx)
    remind(this.#ctx)
    watchBreakers(this.#ctx)
    advanceDrains(this.#ctx)
    const placed = placeWaiting(this.#ctx, placementsPerTick)
    tryCanaries(this.#ctx)
    if (this.#stopped) return
    const soon = placed === placementsPerTick ? 0 : untilNext(this.#ctx)
    this.#arm(this.#lastTickAt + Math.max(this.#ctx.settings.tickGapMs, Math.min(soon, idleMs)))
  }

  #clockIsSteady(): boolean {
    const reading = { wallMs: this.#ctx.clock.now(), monotonicMs: this.#ctx.clock.uptime() }
    const { state, verdict } = watchClock(this.#clockState, reading)
    this.#clockState = state
    if (verdict.kind === 'stepped') {
      note(
        this.#ctx,
        'clock-stepped',
        `the wall clock stepped by ${Math.round(verdict.byMs / 1000)} s: schedules wait until it has been steady for 10 minutes`,
        {},
      )
      this.#wasHeld = true
    } else if (verdict.kind === 'steady' && this.#wasHeld) {
      note(this.#ctx, 'clock-steady', 'the wall clock is steady again: schedules go on', {})
      this.#wasHeld = false
    }
    return verdict.kind === 'steady'
  }
}

function fireSchedules(ctx: BrainContext): void {
  const now = ctx.clock.now()
  for (const schedule of ctx.state.schedules.values()) {
    // A cursor far ahead of now: the clock was set back, which is a decision of its own.
    const due =
      (schedule.nextDue !== null && schedule.nextDue <= now) ||
      schedule.cursorAt > now + firingCaps.rewindMs
    if (due) fireDue(ctx, schedule)
  }
}

function remind(ctx: BrainContext): void {
  const { reminders, jobs } = ctx.state
  const now = ctx.clock.now()
  const due = new Set<number>()
  for (let next = reminders.peek(); next !== undefined && next.at <= now; next = reminders.peek()) {
    due.add(next.job)
    reminders.pop()
  }
  for (const id of due) {
    const job = jobs.get(id)
    if (job) refreshWaiting(ctx, job)
  }
}

function untilNext(ctx: BrainContext): number {
  const now = ctx.clock.now()
  let at = ctx.state.reminders.peek()?.at ?? Number.POSITIVE_INFINITY
  for (const { nextDue } of ctx.state.schedules.values())
    if (nextDue !== null && nextDue < at) at = nextDue
  return Math.max(at - now, 0)
}

/** How many were placed. */
function placeWaiting(ctx: BrainContext, limit: number): number {
  const { waiting, capacity, shares } = ctx.state
  const all = place(waiting, capacity, shares, limit)
  for (const placed of all) carryOut(ctx, placed)
  return all.reduce((sum, { count }) => sum + count, 0)
}
