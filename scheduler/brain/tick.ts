/**
 * The tick: judges nodes, fires schedules, moves drains on, places what waits. Driven by events and gathered with
 * a minimum gap; while nothing happens it looks around once a second.
 */
import type { Cancel } from '../../src/lib/clock.ts'
import { place } from '../core/placement/place.ts'
import { carryOut } from './carry-out.ts'
import type { BrainContext } from './context.ts'
import { advanceDrains } from './drains.ts'
import { letGo } from './held-back.ts'
import type { Judge } from './judge.ts'
import { tryCanaries, watchBreakers } from './quarantine.ts'
import { boundsOf } from './quota.ts'
import { fireDue, fireRest, newHerd } from './schedule-firing.ts'
import { ShareKeeper } from './shares.ts'
import { refreshWaiting } from './tasks.ts'
import { watchWallClock } from './wall-clock.ts'

const idleMs = 1_000
/** Placements in one tick at most: requests get their turn in between. */
const placementsPerTick = 2_000
/** Few, so that their commit begins early: the store's thread then works beside the firing, not after it. */
const firingsPerTick = 500
/** What no event tells: cursors that are ahead of a clock set back, and queues that a blown fuse holds. */
const lookAroundMs = 60_000

export class Ticker {
  readonly shares: ShareKeeper
  readonly #ctx: BrainContext
  readonly #judge: Judge
  #pending: Cancel | null = null
  #pendingAt = Number.POSITIVE_INFINITY
  #lastTickAt = Number.NEGATIVE_INFINITY
  #woken = false
  #stopped = true
  #lookedAroundAt = Number.NEGATIVE_INFINITY

  constructor(ctx: BrainContext, judge: Judge) {
    this.#ctx = ctx
    this.#judge = judge
    this.shares = new ShareKeeper(ctx)
  }

  start(): void {
    this.#stopped = false
    this.wake()
  }

  stop(): void {
    this.#stopped = true
    this.#woken = false
    this.#pending?.()
    this.#pending = null
    this.#pendingAt = Number.POSITIVE_INFINITY
  }

  wake(): void {
    // One that was asked for comes before any that is asked for now.
    if (this.#stopped || this.#woken) return
    this.#woken = true
    this.#arm(Math.max(this.#lastTickAt + this.#ctx.settings.tickGapMs, this.#ctx.clock.uptime()))
  }

  #arm(at: number): void {
    if (this.#pending && this.#pendingAt <= at) return
    this.#pending?.()
    this.#pendingAt = at
    this.#pending = this.#ctx.clock.after(at - this.#ctx.clock.uptime(), () => this.#due())
  }

  #due(): void {
    this.#pending = null
    this.#pendingAt = Number.POSITIVE_INFINITY
    this.#woken = false
    this.tick()
  }

  /** A tick that is due is made now: what it decides is committed with what woke it. */
  catchUp(): void {
    if (!this.#woken || this.#pendingAt > this.#ctx.clock.uptime()) return
    this.#pending?.()
    this.#due()
  }

  tick(): void {
    this.#lastTickAt = this.#ctx.clock.uptime()
    this.#ctx.state.shares.advance(this.#lastTickAt)
    this.shares.look()
    this.#judge.look()
    letGo(this.#ctx, this.#judge.since)
    // What is due while the disk is full is fired, or told as missed, when there is room.
    const fires = this.#clockIsSteady() && !this.#ctx.room.isShort
    const fired = fires ? this.#fire() : 0
    remind(this.#ctx)
    watchBreakers(this.#ctx)
    advanceDrains(this.#ctx)
    const placed = placeWaiting(this.#ctx, placementsPerTick)
    tryCanaries(this.#ctx)
    if (this.#stopped) return
    const isFull = placed === placementsPerTick || fired === firingsPerTick
    const soon = isFull ? 0 : untilNext(this.#ctx, fires)
    this.#arm(this.#lastTickAt + Math.max(this.#ctx.settings.tickGapMs, Math.min(soon, idleMs)))
  }

  #fire(): number {
    if (this.#lastTickAt - this.#lookedAroundAt >= lookAroundMs) {
      this.#lookedAroundAt = this.#lastTickAt
      fireRest(this.#ctx)
    }
    return fireSchedules(this.#ctx)
  }

  #clockIsSteady(): boolean {
    const verdict = watchWallClock(this.#ctx)
    if (verdict === 'stepped') this.#lookedAroundAt = Number.NEGATIVE_INFINITY
    return verdict !== 'stepped' && verdict !== 'held'
  }
}

/** How many were due. */
function fireSchedules(ctx: BrainContext): number {
  const herd = newHerd(ctx)
  for (let count = 0; count < firingsPerTick; count += 1) {
    const schedule = ctx.state.due.take(herd.at)
    if (schedule === null) return count
    fireDue(ctx, schedule, herd)
  }
  return firingsPerTick
}

function remind(ctx: BrainContext): void {
  const { reminders, jobs } = ctx.state
  const now = ctx.clock.now()
  const due = new Set<number>()
  for (let next = reminders.peek(); next !== undefined && next.at <= now; next = reminders.peek()) {
    const job = jobs.get(next.job)
    if (job?.remindAt === next.at) job.remindAt = null
    due.add(next.job)
    reminders.pop()
  }
  for (const id of due) {
    const job = jobs.get(id)
    if (job) refreshWaiting(ctx, job)
  }
}

function untilNext(ctx: BrainContext, fires: boolean): number {
  const { reminders } = ctx.state
  const due = fires ? ctx.state.due.nextAt : null
  const at = Math.min(reminders.peek()?.at ?? Infinity, due ?? Infinity)
  return Math.max(at - ctx.clock.now(), 0)
}

/** How many were placed. */
function placeWaiting(ctx: BrainContext, limit: number): number {
  const { waiting, capacity, shares } = ctx.state
  let count = 0
  for (const placed of place(waiting, capacity, shares, limit, boundsOf(ctx))) {
    carryOut(ctx, placed)
    count += placed.count
  }
  return count
}
