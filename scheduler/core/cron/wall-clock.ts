/**
 * The calendar side of cron: which minutes of a wall clock match an expression. A wall time is the
 * clock's reading written as if it were UTC, in milliseconds; zones come in only in `next-due`.
 */
import type { CronExpression } from './expression.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
const minutesPerDay = 1440
/** 29 February on a given weekday comes back within 40 years. */
const horizonDays = 50 * 366

type Calendar = Pick<
  CronExpression,
  'minutes' | 'hours' | 'days' | 'months' | 'weekdays' | 'either'
>

/** The first matching wall time at or after `fromMs`; null when none comes. */
export function nextWall(calendar: Calendar, fromMs: number): number | null {
  const from = Math.ceil(fromMs / minuteMs)
  const today = Math.floor(from / minutesPerDay)
  if (matchesDay(calendar, today)) {
    const minute = nextMinuteOfDay(calendar, from - today * minutesPerDay)
    if (minute !== null) return (today * minutesPerDay + minute) * minuteMs
  }
  const day = nextDay(calendar, today + 1)
  if (day === null) return null
  return (day * minutesPerDay + calendar.hours[0]! * 60 + calendar.minutes[0]!) * minuteMs
}

/** How many wall times match in `[fromMs, toMs)`. */
export function countWalls(calendar: Calendar, fromMs: number, toMs: number): number {
  const from = Math.ceil(fromMs / minuteMs)
  const to = Math.ceil(toMs / minuteMs)
  const perDay = calendar.hours.length * calendar.minutes.length
  let count = 0
  for (let day = Math.floor(from / minutesPerDay); day * minutesPerDay < to; day++) {
    if (!matchesDay(calendar, day)) continue
    const start = from - day * minutesPerDay
    const end = to - day * minutesPerDay
    count += start <= 0 && end >= minutesPerDay ? perDay : countMinutes(calendar, start, end)
  }
  return count
}

function countMinutes(calendar: Calendar, start: number, end: number): number {
  let count = 0
  for (const hour of calendar.hours) {
    for (const minute of calendar.minutes) {
      const at = hour * 60 + minute
      if (at >= start && at < end) count++
    }
  }
  return count
}

const has = (mask: number, value: number): boolean => ((mask >>> value) & 1) === 1

function matchesDay(calendar: Calendar, day: number): boolean {
  const date = new Date(day * dayMs)
  return has(calendar.months, date.getUTCMonth() + 1) && matchesDate(calendar, date)
}

function matchesDate(calendar: Calendar, date: Date): boolean {
  const byDay = has(calendar.days, date.getUTCDate())
  const byWeekday = has(calendar.weekdays, date.getUTCDay())
  return calendar.either ? byDay || byWeekday : byDay && byWeekday
}

export function nextDay(calendar: Calendar, fromDay: number): number | null {
  let day = fromDay
  while (day < fromDay + horizonDays) {
    const date = new Date(day * dayMs)
    if (!has(calendar.months, date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / dayMs
    } else if (matchesDate(calendar, date)) {
      return day
    } else {
      day++
    }
  }
  return null
}

function nextMinuteOfDay(calendar: Calendar, from: number): number | null {
  const hourFrom = Math.floor(from / 60)
  for (const hour of calendar.hours) {
    if (hour < hourFrom) continue
    if (hour > hourFrom) return hour * 60 + calendar.minutes[0]!
    const minute = calendar.minutes.find((each) => each >= from - hour * 60)
    if (minute !== undefined) return hour * 60 + minute
  }
  return null
}
