/** The daylight-saving rule told a second time, slowly: every minute of a window is looked up with Intl. */
import * as fc from 'fast-check'

const minuteMs = 60_000
export const dayMs = 86_400_000

export type Wanted = {
  text: string
  minutes: Set<number>
  hours: Set<number>
  days: Set<number> | null
  months: Set<number>
  weekdays: Set<number> | null
  intervalLike: boolean
}

export type WallReader = (atMs: number) => number

/** The wall clock as if it were UTC, from what Intl prints. */
export function wallReader(zone: string): WallReader {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (atMs) => {
    const [month, day, year, hour, minute, second] = format.format(atMs).match(/\d+/g)!.map(Number)
    return Date.UTC(year!, month! - 1, day, hour, minute, second)
  }
}

/** The days of the year that begin with another offset than they end with. */
export function daysOfChange(readWall: WallReader, year: number): number[] {
  const days: number[] = []
  const offsetAt = (atMs: number): number => readWall(atMs) - atMs
  let before = offsetAt(Date.UTC(year, 0, 1))
  for (let at = Date.UTC(year, 0, 1); at < Date.UTC(year + 1, 0, 1); at += dayMs) {
    const after = offsetAt(at + dayMs)
    if (after !== before) days.push(at)
    before = after
  }
  return days
}

/** What the clock shows at each step of `[fromMs, toMs)`; steps of less than a minute are for offsets that have seconds. */
export const readWindow = (
  readWall: WallReader,
  fromMs: number,
  toMs: number,
  stepMs = minuteMs,
): number[] =>
  Array.from({ length: (toMs - fromMs) / stepMs }, (_, index) => readWall(fromMs + index * stepMs))

/** `walls[i]` is what the clock shows at `fromMs` + i steps; the dues after the first of these instants. */
export function slowDues(
  wanted: Wanted,
  walls: readonly number[],
  fromMs: number,
  stepMs = minuteMs,
): number[] {
  const dues: number[] = []
  let reached = walls[0]!
  for (const [index, wall] of walls.entries()) {
    if (index === 0) continue
    let isDue = false
    const next = Math.floor(reached / minuteMs) * minuteMs + minuteMs
    if (wanted.intervalLike) isDue = wall % minuteMs === 0 && matches(wanted, wall)
    else for (let at = next; at <= wall; at += minuteMs) isDue ||= matches(wanted, at)
    reached = Math.max(reached, wall)
    if (isDue) dues.push(fromMs + index * stepMs)
  }
  return dues
}

function matches(wanted: Wanted, wall: number): boolean {
  const date = new Date(wall)
  if (!wanted.minutes.has(date.getUTCMinutes()) || !wanted.hours.has(date.getUTCHours()))
    return false
  if (!wanted.months.has(date.getUTCMonth() + 1)) return false
  const byDay = wanted.days?.has(date.getUTCDate())
  const byWeekday = wanted.weekdays?.has(date.getUTCDay())
  if (byDay === undefined || byWeekday === undefined) return byDay ?? byWeekday ?? true
  return byDay || byWeekday
}

type Item = { text: string; values: number[]; star: boolean }

const range = (low: number, high: number, step = 1): number[] => {
  const values: number[] = []
  for (let value = low; value <= high; value += step) values.push(value)
  return values
}

function item(min: number, max: number): fc.Arbitrary<Item> {
  const value = fc.integer({ min, max })
  const step = fc.integer({ min: 1, max: Math.min(30, max) })
  const pair = fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  return fc.oneof(
    { weight: 4, arbitrary: value.map((at) => ({ text: `${at}`, values: [at], star: false })) },
    fc.tuple(pair, step).map(([[a, b], by]) => ({
      text: `${a}-${b}/${by}`,
      values: range(a, b, by),
      star: false,
    })),
    pair.map(([a, b]) => ({ text: `${a}-${b}`, values: range(a, b), star: false })),
  )
}

const star = (min: number, max: number): fc.Arbitrary<Item> =>
  fc
    .integer({ min: 1, max: max - min })
    .map((by) => ({ text: by === 1 ? '*' : `*/${by}`, values: range(min, max, by), star: true }))

const plainField = (min: number, max: number): fc.Arbitrary<Item> =>
  fc.array(item(min, max), { minLength: 1, maxLength: 3 }).map((items) => ({
    text: items.map((each) => each.text).join(','),
    values: items.flatMap((each) => each.values),
    star: false,
  }))

const field = (min: number, max: number): fc.Arbitrary<Item> =>
  fc.oneof({ weight: 2, arbitrary: plainField(min, max) }, star(min, max))

const any = (min: number, max: number): fc.Arbitrary<Item> =>
  fc.constant({ text: '*', values: range(min, max), star: true })

/** Random expressions; hours lean to the night, when clocks are changed. */
export const wantedExpression: fc.Arbitrary<Wanted> = fc
  .tuple(
    field(0, 59),
    fc.oneof(field(0, 23), plainField(0, 4)),
    fc.oneof({ weight: 3, arbitrary: any(1, 31) }, plainField(1, 31)),
    fc.oneof({ weight: 5, arbitrary: any(1, 12) }, plainField(1, 12)),
    fc.oneof({ weight: 3, arbitrary: any(0, 6) }, plainField(0, 7)),
  )
  .map(([minute, hour, day, month, weekday]) => ({
    text: [minute, hour, day, month, weekday].map((each) => each.text).join(' '),
    minutes: new Set(minute.values),
    hours: new Set(hour.values),
    days: day.star ? null : new Set(day.values),
    months: new Set(month.values),
    weekdays: weekday.star ? null : new Set(weekday.values.map((each) => each % 7)),
    intervalLike: minute.star || hour.star,
  }))
