/** The wall clock that schedules follow: watched against the monotonic one, shown, and confirmed by operators. */
import type { Refusal } from '../../proto/errors.ts'
import { iso } from '../../proto/ids.ts'
import { formatDuration } from '../../proto/resources.ts'
import type { ClockView } from '../../proto/schedule.ts'
import {
  confirmClock,
  watchClock,
  type ClockReading,
  type ClockVerdict,
} from '../core/cron/clock-guard.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import { note, type BrainContext } from './context.ts'
import { refreshWaiting } from './tasks.ts'

const readingOf = ({ clock }: BrainContext): ClockReading => ({
  wallMs: clock.now(),
  monotonicMs: clock.uptime(),
})

/** What waits for a time may have waited long enough, or would wait far too long, by a clock that stepped. */
function judgeTimesAnew(ctx: BrainContext): void {
  for (const job of ctx.state.jobs.values()) {
    if (job.remindAt === null) continue
    job.remindAt = null
    refreshWaiting(ctx, job)
  }
}

/** To be called by each tick; schedules fire unless it says `stepped` or `held`. */
export function watchWallClock(ctx: BrainContext): ClockVerdict['kind'] {
  const { state, verdict } = watchClock(ctx.wallClock.guard, readingOf(ctx))
  ctx.wallClock.guard = state
  if (verdict.kind === 'stepped') {
    const direction = verdict.byMs > 0 ? 'forward' : 'back'
    const by = formatDuration(Math.round(Math.abs(verdict.byMs) / 1000) * 1000)
    const detail = `the wall clock stepped ${direction} by ${by}: schedules wait until it has been steady for 10 minutes or an operator confirms it`
    note(ctx, 'clock-stepped', detail, {})
    ctx.log.warn({ event: 'clock-stepped', detail })
    judgeTimesAnew(ctx)
  }
  if (verdict.kind === 'released')
    note(ctx, 'clock-steady', 'the wall clock is steady again: schedules go on', {})
  return verdict.kind
}

/** While it is doubted, what is due cannot be known, and so no schedule can be changed. */
export function problemOfClock(ctx: BrainContext): Refusal | null {
  if (!waitForClock(ctx)) return null
  return refuse(
    'wrong-state',
    'schedules wait because the wall clock stepped, and cannot be changed before it is known to be right',
    'see `eg clock`; operators may say that it is right',
  ).refusal
}

/** Also for a step that no tick has seen yet. */
const waitForClock = (ctx: BrainContext): boolean =>
  watchClock(ctx.wallClock.guard, readingOf(ctx)).state.hold !== null

export function clockView(ctx: BrainContext): ClockView {
  const reading = readingOf(ctx)
  // Twice: a step that no tick has seen yet is one that holds.
  const { verdict } = watchClock(watchClock(ctx.wallClock.guard, reading).state, reading)
  const held = verdict.kind === 'held' ? verdict : null
  return {
    wallClock: iso(ctx.clock.now()),
    held: held && { steppedByMs: Math.round(held.steppedByMs), leftMs: Math.round(held.leftMs) },
  }
}

/** What is due by the time of now is fired, or told as missed. */
export function confirmWallClock(ctx: BrainContext, caller: Caller): Result<ClockView> {
  watchWallClock(ctx)
  if (ctx.wallClock.guard.hold === null)
    return refuse('wrong-state', 'schedules are not held: there is nothing to confirm')
  audit(ctx, caller, {
    what: 'clock --confirm',
    about: 'the wall clock',
    before: clockView(ctx),
    after: { wallClock: iso(ctx.clock.now()), held: null },
  })
  ctx.wallClock.guard = confirmClock(readingOf(ctx))
  note(ctx, 'clock-confirmed', `${iso(ctx.clock.now())} is right: schedules go on`, {
    by: caller.owner,
  })
  ctx.wake()
  return done(clockView(ctx))
}
