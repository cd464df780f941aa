// Due times as UTC instants: the daylight-saving rule is ours, after cronie.
//
// Fixed times (no star in minute or hour): a wall time is due at the first instant at which the
// zone's clock has reached it. So one that exists twice fires at its first occurrence, one that does
// not exist fires at the first instant after the gap, and several that fall there fire once together.
// cronie gives up on jumps of more than three hours; here a skipped day (Pacific/Apia, 30 December
// 2011) is a gap like any other.
//
// Interval-like (`*`, `*/n` or `H/n` in minute or hour): due at every instant whose wall time matches.
// So in a gap nothing is made up for and a repeated hour fires again: `*/5 * * * *` stays every five
// minutes of elapsed time, `0 * * * *` every hour. As in cronie one star is enough: `*/15 2 * * *`
// does not fire on a day without 2:00 to 2:59 and fires eight times where that hour comes twice;
// `30 */2 * * *` follows the clock's even hours, with one longer or shorter interval there.
import type { CronExpression } from './expression.ts'
import { countWalls, dayMs, hourMs, minuteMs, nextWall } from './wall-clock.ts'
import { stretchAt } from './zone.ts'

/** More than any zone was ever off UTC. */
const offsetMaxMs = 16 * hourMs
/** More than any clock was ever set back or forward. */
const shiftMaxMs = 2 * dayMs

/** Thousands of schedules share an expression and are due at once: the newest answer is remembered, for speed alone. */
let newest: { expression: CronExpression; afterMs: number; due: number | null } | null = null

/** The first due instant after `afterMs`. Null only beyond the end of the calendar. */
export function nextDue(expression: CronExpression, afterMs: number): number | null {
  if (newest !== null && newest.expression === expression && newest.afterMs === afterMs)
    return newest.due
  const due = findDue(expression, afterMs)
  newest = { expression, afterMs, due }
  return due
}

function findDue(expression: CronExpression, afterMs: number): number | null {
  const fromMs = Math.floor(afterMs) + 1
  if (expression.intervalLike) return nextOfInterval(expression, fromMs)
  const wallMs = nextWall(expression, unreachedWall(expression.zone, fromMs))
  return wallMs === null ? null : firstInstantOf(expression.zone, wallMs)
}

function nextOfInterval(expression: CronExpression, firstMs: number): number | null {
  let fromMs = firstMs
  for (;;) {
    const stretch = stretchAt(expression.zone, fromMs)
    const wallMs = nextWall(expression, fromMs + stretch.offsetMs)
    if (wallMs === null) return null
    const dueMs = wallMs - stretch.offsetMs
    if (dueMs < stretch.endMs) return dueMs
    // a clock set back soon after fromMs may show again what matched before it; later ones cannot
    const nearby = stretch.endMs - fromMs < shiftMaxMs
    fromMs = nearby ? stretch.endMs : Math.max(stretch.endMs, dueMs - shiftMaxMs)
  }
}

/** The least wall time that the zone's clock has not reached before `atMs`. */
function unreachedWall(zone: string, atMs: number): number {
  let stretch = stretchAt(zone, atMs - 1)
  let wallMs = atMs + stretch.offsetMs
  while (stretch.startMs > atMs - shiftMaxMs) {
    stretch = stretchAt(zone, stretch.startMs - 1)
    wallMs = Math.max(wallMs, stretch.endMs + stretch.offsetMs)
  }
  return wallMs
}

/** The first instant at which the zone's clock shows `wallMs` or later. */
function firstInstantOf(zone: string, wallMs: number): number {
  for (let stretch = stretchAt(zone, wallMs - offsetMaxMs); ;) {
    const atMs = wallMs - stretch.offsetMs
    if (atMs < stretch.endMs) return Math.max(atMs, stretch.startMs)
    stretch = stretchAt(zone, stretch.endMs)
  }
}

/** The due instants in `(afterMs, untilMs]`, at most `limit`; `more` says that there are others. */
export function dueBetween(
  expression: CronExpression,
  afterMs: number,
  untilMs: number,
  limit: number,
): { due: number[]; more: boolean } {
  const due: number[] = []
  let next = nextDue(expression, afterMs)
  while (next !== null && next <= untilMs && due.length < limit) {
    due.push(next)
    next = nextDue(expression, next)
  }
  return { due, more: next !== null && next <= untilMs }
}

export function upcoming(expression: CronExpression, afterMs: number, count: number): number[] {
  return dueBetween(expression, afterMs, Number.POSITIVE_INFINITY, count).due
}

/** How many due instants lie in `(afterMs, untilMs]`, without walking them: an outage may be long. */
export function countDue(expression: CronExpression, afterMs: number, untilMs: number): number {
  const endMs = Math.floor(untilMs) + 1
  let fromMs = Math.floor(afterMs) + 1
  let unreachedMs = expression.intervalLike
    ? Number.NEGATIVE_INFINITY
    : unreachedWall(expression.zone, fromMs)
  let count = 0
  while (fromMs < endMs) {
    const { endMs: stretchEndMs, offsetMs } = stretchAt(expression.zone, fromMs)
    const toMs = Math.min(stretchEndMs, endMs)
    const startWallMs = fromMs + offsetMs
    if (expression.intervalLike) {
      count += countWalls(expression, startWallMs, toMs + offsetMs)
    } else {
      const inGap = countWalls(expression, unreachedMs, startWallMs) > 0
      if (inGap && countWalls(expression, startWallMs, startWallMs + 1) === 0) count++
      count += countWalls(expression, Math.max(unreachedMs, startWallMs), toMs + offsetMs)
      unreachedMs = Math.max(unreachedMs, toMs + offsetMs)
    }
    fromMs = toMs
  }
  return count
}

/** The last `limit` due instants in `(afterMs, untilMs]`, oldest first. */
export function newestDue(
  expression: CronExpression,
  afterMs: number,
  untilMs: number,
  limit: number,
): number[] {
  let spanMs = limit * minuteMs
  while (untilMs - spanMs > afterMs && countDue(expression, untilMs - spanMs, untilMs) < limit) {
    spanMs *= 2
  }
  const lowMs = Math.max(afterMs, untilMs - spanMs)
  const surplus = countDue(expression, lowMs, untilMs) - limit
  const due: number[] = []
  let skipped = 0
  let next = nextDue(expression, lowMs)
  while (next !== null && next <= untilMs) {
    if (skipped < surplus) skipped++
    else due.push(next)
    next = nextDue(expression, next)
  }
  return due
}
