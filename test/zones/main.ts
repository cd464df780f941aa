/**
 * `npm run test:zones [-- --seconds N] [--seed N] [ZONE…]`: around every change of offset of every zone from 1970 to 2040, each
 * minute is looked up with Intl, and what cron makes of it is compared with a reference that steps through those minutes.
 *
 * Zones that change at the same instant between the same offsets are one case: the rule knows nothing of names. So all are covered.
 */
import * as fc from 'fast-check'

import { parseExpression } from '../../scheduler/core/cron/expression.ts'
import { countDue, dueBetween, newestDue, nextDue } from '../../scheduler/core/cron/next-due.ts'
import { canonicalZone, stretchAt } from '../../scheduler/core/cron/zone.ts'
import {
  dayMs,
  readWindow,
  slowDues,
  wallReader,
  wantedExpression,
  type Wanted,
  type WallReader,
} from '../scheduler/core/cron/slow-reference.ts'

const minuteMs = 60_000
const [firstYear, lastYear] = [1970, 2040]
const fromMs = Date.UTC(firstYear, 0, 1)
const toMs = Date.UTC(lastYear + 1, 0, 1)
const spread = { owner: 'tools.bot', name: 'nightly' }

const args = process.argv.slice(2)
function option(name: string, otherwise: number): number {
  const at = args.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(args.splice(at, 2)[1])
}
const seconds = option('seconds', 90)
const seed = option('seed', Date.now() % 1_000_000)
const zones = args.length > 0 ? args : allZones()

/** Those that Intl lists, and UTC, which it does not. */
function allZones(): string[] {
  return [...Intl.supportedValuesOf('timeZone'), 'UTC']
}

/** Fixed ones that meet every hour, every minute, gaps, repeated hours, days and months; then random ones. */
const fixed: readonly string[] = [
  '* * * * *',
  '*/15 * * * *',
  '0 * * * *',
  '30 2 * * *',
  '15,45 0-4 * * *',
  '0 0 * * *',
  '59 23 * * *',
  '*/20 1-3 * * 0',
  '30 0,1,2,3,23 1,15,28-31 * *',
]

/** A change: what the clock shows before, and from when on what. */
type Change = { zone: string; atMs: number; beforeMs: number; afterMs: number }

/** Looks once a day, at an hour that the seed chooses, and halves what changed: the module under test is not asked. */
function changesOf(zone: string, readWall: WallReader): Change[] {
  const found: Change[] = []
  const offsetAt = (atMs: number): number => readWall(atMs) - atMs
  const stepMs = dayMs
  const firstMs = fromMs + (seed % 24) * 3_600_000
  let beforeMs = offsetAt(firstMs)
  for (let at = firstMs; at < toMs; at += stepMs) {
    const afterMs = offsetAt(at + stepMs)
    if (afterMs === beforeMs) continue
    let [low, high] = [at / 1000, (at + stepMs) / 1000]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (offsetAt(middle * 1000) === beforeMs) low = middle
      else high = middle
    }
    found.push({ zone, atMs: high * 1000, beforeMs, afterMs: offsetAt(high * 1000) })
    beforeMs = afterMs
  }
  return found
}

const wantedOf = (text: string): Wanted => {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = text.split(' ')
  const isStar = (field: string): boolean => field.startsWith('*')
  return {
    text,
    minutes: valuesOf(minute, 0, 59),
    hours: valuesOf(hour, 0, 23),
    days: isStar(day) ? null : valuesOf(day, 1, 31),
    months: valuesOf(month, 1, 12),
    weekdays: isStar(weekday) ? null : valuesOf(weekday, 0, 6),
    intervalLike: isStar(minute) || isStar(hour),
  }
}

function valuesOf(field: string, min: number, max: number): Set<number> {
  const values = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/')
    const [low, high] = range === '*' ? [min, max] : range.split('-').map(Number)
    for (let at = low!; at <= (high ?? low!); at += Number(step)) values.add(at)
  }
  return values
}

let compared = 0

type Window = { zone: string; fromMs: number; stepMs: number; walls: readonly number[] }

function compare(wanted: Wanted, { zone, fromMs, stepMs, walls }: Window, pick: number): void {
  const parsed = parseExpression(wanted.text, zone, spread)
  // 30 February and the like
  if (!parsed.ok) return
  compared += 1
  const untilMs = fromMs + (walls.length - 1) * stepMs
  const expected = slowDues(wanted, walls, fromMs, stepMs)
  const { due } = dueBetween(parsed.value, fromMs, untilMs, Number.POSITIVE_INFINITY)
  const middleMs = fromMs + (pick % (walls.length - 1)) * stepMs
  const later = expected.filter((at) => at > middleMs)
  const next = nextDue(parsed.value, middleMs)
  const faults = [
    String(due) === String(expected)
      ? ''
      : `due at ${times(due)}, the reference says ${times(expected)}`,
    later[0] === undefined || later[0] === next
      ? ''
      : `next after ${times([middleMs])} is ${String(next)}`,
    countDue(parsed.value, middleMs, untilMs) === later.length ? '' : 'counts otherwise',
    String(newestDue(parsed.value, middleMs, untilMs, 3)) === String(later.slice(-3))
      ? ''
      : 'newest differ',
  ].filter((fault) => fault !== '')
  if (faults.length > 0) throw new Error(`${zone} "${wanted.text}": ${faults.join('; ')}`)
}

/** The first few. */
const times = (all: readonly number[]): string =>
  all
    .slice(0, 12)
    .map((at) => new Date(at).toISOString().slice(0, 19))
    .join(' ')

/** The offset that schedules use is what Intl prints, on both sides of each change and once a month. */
function compareOffsets(zone: string, readWall: WallReader, changes: readonly Change[]): void {
  const name = canonicalZone(zone) ?? zone
  const months = Array.from({ length: (lastYear - firstYear + 1) * 12 }, (_, month) =>
    Date.UTC(firstYear, month, 15, 12),
  )
  for (const at of [...months, ...changes.flatMap(({ atMs }) => [atMs - 1000, atMs])]) {
    const offset = stretchAt(name, at).offsetMs
    if (offset !== readWall(at) - at)
      throw new Error(
        `${zone} at ${new Date(at).toISOString()}: offset ${offset}, Intl says ${readWall(at) - at}`,
      )
  }
}

const began = performance.now()
const elapsed = (): number => (performance.now() - began) / 1000
const cases = new Map<string, Change>()
let changeCount = 0
for (const zone of zones) {
  const readWall = wallReader(zone)
  const changes = changesOf(zone, readWall)
  compareOffsets(zone, readWall, changes)
  changeCount += changes.length
  for (const change of changes)
    cases.set(`${change.atMs} ${change.beforeMs} ${change.afterMs}`, change)
}
process.stdout.write(
  `${zones.length} zones, ${changeCount} changes of offset, ${cases.size} that differ (${elapsed().toFixed(0)} s)\n`,
)

const readers = new Map<string, WallReader>()
function readerOf(zone: string): WallReader {
  const known = readers.get(zone) ?? wallReader(zone)
  readers.set(zone, known)
  return known
}

/** As long before and after a change as its rule reaches: a gap or a repeated stretch, and an hour. */
function aroundChange(change: Change, wanted: readonly Wanted[], pick: number): void {
  const { zone, atMs, beforeMs, afterMs } = change
  const reachMs = (Math.ceil(Math.abs(afterMs - beforeMs) / 3_600_000) + 1) * 3_600_000
  const from = Math.floor(atMs / minuteMs) * minuteMs - reachMs
  // Liberia's clock showed seconds until 1972.
  const stepMs = beforeMs % minuteMs === 0 && afterMs % minuteMs === 0 ? minuteMs : minuteMs / 2
  const walls = readWindow(readerOf(zone), from, from + 2 * reachMs, stepMs)
  const window = { zone: canonicalZone(zone) ?? zone, fromMs: from, stepMs, walls }
  for (const each of wanted) compare(each, window, pick)
}

let round = 0
const all = [...cases.values()]
const fixedOnes = fixed.map(wantedOf)
try {
  // Every change with the fixed expressions first; then again with random ones, as long as there is time.
  for (const [at, change] of all.entries()) aroundChange(change, fixedOnes, at * 7919)
  process.stdout.write(`all with ${fixed.length} expressions (${elapsed().toFixed(0)} s)\n`)
  while (elapsed() < seconds) {
    const random = fc.sample(wantedExpression, { numRuns: all.length, seed: seed + round })
    for (const [at, change] of all.entries()) {
      if (elapsed() >= seconds) break
      aroundChange(change, [random[at]!], at * 104_729 + round)
    }
    round += 1
  }
  process.stdout.write(
    `${compared} comparisons, seed ${seed}, ${elapsed().toFixed(0)} s: all agree\n`,
  )
} catch (error) {
  process.stdout.write(`${String(error)}\nagain with --seed ${seed}\n`)
  process.exitCode = 1
}
