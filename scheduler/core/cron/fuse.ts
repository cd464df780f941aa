/**
 * The fuse of a schedule: how often it may start within a minute that the machine has really lived through, whatever
 * its wall clock says. An expression is due once a minute at most, so on time there are three starts at most in any
 * minute: one, and two that a busy scheduler was late with. All starts together, also those that are caught up or
 * asked for by hand, have a cap of their own.
 */
import type { Millis } from '../../../proto/ids.ts'

/** A start at a time of the monotonic clock. `onTime`: neither caught up, nor by hand, nor after a wait. */
export type RecentStart = { atUptimeMs: Millis; onTime: boolean }

export type FuseCaps = { windowMs: number; onTimeMax: number; startsMax: number }
export const fuseCaps: FuseCaps = { windowMs: 60_000, onTimeMax: 3, startsMax: 60 }

/** Those that still count. */
export const within = (
  starts: readonly RecentStart[],
  uptimeMs: Millis,
  caps = fuseCaps,
): readonly RecentStart[] =>
  starts.filter(({ atUptimeMs }) => atUptimeMs > uptimeMs - caps.windowMs)

/** Why one more start would be too many; null where it is not. `recent` are those `within`. */
export function blownBy(
  recent: readonly Pick<RecentStart, 'onTime'>[],
  onTime: boolean,
  caps = fuseCaps,
): string | null {
  if (recent.length >= caps.startsMax)
    return `the fuse: ${caps.startsMax} starts of this schedule within a minute`
  if (onTime && recent.filter((start) => start.onTime).length >= caps.onTimeMax)
    return `the fuse: ${caps.onTimeMax} due times of this schedule within a minute, more than any expression has: the wall clock runs wild`
  return null
}
