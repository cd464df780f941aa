import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseExpression, type CronExpression } from '../../../../scheduler/core/cron/expression.ts'
import {
  countDue,
  dueBetween,
  newestDue,
  nextDue,
  upcoming,
} from '../../../../scheduler/core/cron/next-due.ts'
import {
  dayMs,
  daysOfChange,
  readWindow,
  slowDues,
  wallReader,
  wantedExpression,
} from './slow-reference.ts'

const spread = { owner: 'tools.bot', name: 'nightly' }
/** More expressions and windows per zone: CRON_TEST_RUNS=20 takes minutes. CRON_TEST_SEED repeats one. */
const runs = Number(process.env['CRON_TEST_RUNS'] ?? 1)
const seed = Number(process.env['CRON_TEST_SEED'] ?? Date.now() % 1_000_000)

function read(text: string, zone: string): CronExpression {
  const result = parseExpression(text, zone, spread)
  if (!result.ok) throw new Error(result.problem)
  return result.value
}

const iso = (dues: readonly number[]): string[] =>
  dues.map((due) => new Date(due).toISOString().slice(0, 16))

describe('next due, by table', () => {
  const table: [zone: string, text: string, from: string, to: string, due: string[]][] = [
    // spring: 02:00 -> 03:00 at 01:00Z
    [
      'Europe/Berlin',
      '30 2 * * *',
      '2026-03-28T12:00',
      '2026-03-30T12:00',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'Europe/Berlin',
      '0,15,30 2-3 * * *',
      '2026-03-29T00:00',
      '2026-03-29T02:00',
      ['2026-03-29T01:00', '2026-03-29T01:15', '2026-03-29T01:30'],
    ],
    [
      'Europe/Berlin',
      '*/20 * * * *',
      '2026-03-29T00:30',
      '2026-03-29T01:30',
      ['2026-03-29T00:40', '2026-03-29T01:00', '2026-03-29T01:20'],
    ],
    ['Europe/Berlin', '*/20 2 * * *', '2026-03-28T12:00', '2026-03-29T23:00', []],
    [
      'Europe/Berlin',
      '0 * * * *',
      '2026-03-28T23:30',
      '2026-03-29T02:30',
      ['2026-03-29T00:00', '2026-03-29T01:00', '2026-03-29T02:00'],
    ],
    // autumn: 03:00 -> 02:00 at 01:00Z
    [
      'Europe/Berlin',
      '30 2 * * *',
      '2026-10-24T12:00',
      '2026-10-26T12:00',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    ['Europe/Berlin', '0 3 * * *', '2026-10-24T12:00', '2026-10-25T12:00', ['2026-10-25T02:00']],
    [
      'Europe/Berlin',
      '30 * * * *',
      '2026-10-24T23:45',
      '2026-10-25T02:45',
      ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
    ],
    [
      'Europe/Berlin',
      '*/30 2 * * *',
      '2026-10-24T12:00',
      '2026-10-25T12:00',
      ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30'],
    ],
    [
      'America/New_York',
      '30 2 * * *',
      '2026-03-07T12:00',
      '2026-03-09T12:00',
      ['2026-03-08T07:00', '2026-03-09T06:30'],
    ],
    [
      'America/New_York',
      '30 1 * * *',
      '2026-10-31T12:00',
      '2026-11-02T12:00',
      ['2026-11-01T05:30', '2026-11-02T06:30'],
    ],
    // half an hour: 02:00 -> 02:30 and 02:00 -> 01:30
    [
      'Australia/Lord_Howe',
      '15 2 * * *',
      '2026-10-02T20:00',
      '2026-10-04T20:00',
      ['2026-10-03T15:30', '2026-10-04T15:15'],
    ],
    [
      'Australia/Lord_Howe',
      '45 1 * * *',
      '2026-04-04T00:00',
      '2026-04-05T12:00',
      ['2026-04-04T14:45'],
    ],
    [
      'Australia/Lord_Howe',
      '*/15 1 * * *',
      '2026-04-04T13:50',
      '2026-04-04T15:40',
      [
        '2026-04-04T14:00',
        '2026-04-04T14:15',
        '2026-04-04T14:30',
        '2026-04-04T14:45',
        '2026-04-04T15:00',
        '2026-04-04T15:15',
      ],
    ],
    // back to UTC for Ramadan at 03:00, forward again at 02:00
    [
      'Africa/Casablanca',
      '30 2 * * *',
      '2025-02-22T12:00',
      '2025-02-24T12:00',
      ['2025-02-23T01:30', '2025-02-24T02:30'],
    ],
    [
      'Africa/Casablanca',
      '30 2 * * *',
      '2025-04-05T12:00',
      '2025-04-07T12:00',
      ['2025-04-06T02:00', '2025-04-07T01:30'],
    ],
    // 30 December 2011 did not exist
    ['Pacific/Apia', '0 12 30 * *', '2011-12-01T00:00', '2012-01-02T00:00', ['2011-12-30T10:00']],
    [
      'Pacific/Apia',
      '0 12 * * *',
      '2011-12-29T12:00',
      '2012-01-01T12:00',
      ['2011-12-29T22:00', '2011-12-30T10:00', '2011-12-30T22:00', '2011-12-31T22:00'],
    ],
    [
      'Pacific/Apia',
      '0 */12 * * *',
      '2011-12-29T12:00',
      '2011-12-31T00:00',
      ['2011-12-29T22:00', '2011-12-30T10:00', '2011-12-30T22:00'],
    ],
    // 00:00 -> 01:00 and 00:00 -> 23:00 the day before
    [
      'America/Sao_Paulo',
      '0 0 * * *',
      '2018-11-03T12:00',
      '2018-11-05T12:00',
      ['2018-11-04T03:00', '2018-11-05T02:00'],
    ],
    [
      'America/Sao_Paulo',
      '30 23 * * *',
      '2019-02-16T12:00',
      '2019-02-18T12:00',
      ['2019-02-17T01:30', '2019-02-18T02:30'],
    ],
    [
      'UTC',
      '0 0 29 2 *',
      '2026-01-01T00:00',
      '2033-01-01T00:00',
      ['2028-02-29T00:00', '2032-02-29T00:00'],
    ],
    // month ends and leap days
    [
      'Europe/Berlin',
      '30 23 31 * *',
      '2026-01-01T00:00',
      '2026-09-01T00:00',
      [
        '2026-01-31T22:30',
        '2026-03-31T21:30',
        '2026-05-31T21:30',
        '2026-07-31T21:30',
        '2026-08-31T21:30',
      ],
    ],
    [
      'Asia/Tokyo',
      '59 23 28-31 2 *',
      '2023-12-31T00:00',
      '2025-12-31T00:00',
      ['2024-02-28T14:59', '2024-02-29T14:59', '2025-02-28T14:59'],
    ],
    // a century that is none, and one that is
    [
      'UTC',
      '0 12 29 2 *',
      '2096-01-01T00:00',
      '2105-01-01T00:00',
      ['2096-02-29T12:00', '2104-02-29T12:00'],
    ],
    ['UTC', '0 12 29 2 *', '1999-01-01T00:00', '2001-01-01T00:00', ['2000-02-29T12:00']],
    [
      'UTC',
      '0 0 1 * *',
      '2026-11-30T23:59',
      '2027-03-01T00:00',
      ['2026-12-01T00:00', '2027-01-01T00:00', '2027-02-01T00:00', '2027-03-01T00:00'],
    ],
    [
      'UTC',
      '0 0 13 * fri',
      '2026-11-01T00:00',
      '2026-11-21T00:00',
      ['2026-11-06T00:00', '2026-11-13T00:00', '2026-11-20T00:00'],
    ],
    [
      'UTC',
      '0 0 */10 * fri',
      '2026-11-01T00:00',
      '2027-01-30T00:00',
      ['2026-12-11T00:00', '2027-01-01T00:00'],
    ],
  ]
  it.each(table)('%s: %s from %s', (zone, text, from, to, due) => {
    const found = dueBetween(read(text, zone), Date.parse(`${from}Z`), Date.parse(`${to}Z`), 100)
    expect(iso(found.due)).toEqual(due)
    expect(found.more).toBe(false)
  })

  it('is strictly later and says when there is more', () => {
    const every = read('* * * * *', 'UTC')
    expect(nextDue(every, 0)).toBe(60_000)
    expect(nextDue(every, 59_999)).toBe(60_000)
    expect(dueBetween(every, 0, 180_000, 2)).toEqual({ due: [60_000, 120_000], more: true })
    expect(dueBetween(every, 0, 120_000, 2)).toEqual({ due: [60_000, 120_000], more: false })
  })

  it('finds 29 February on a Sunday across 2100', () => {
    const rare = read('0 0 29 2 */7', 'Europe/Berlin')
    expect(iso(upcoming(rare, Date.UTC(2080, 0, 1), 2))).toEqual([
      '2088-02-28T23:00',
      '2128-02-28T23:00',
    ])
    expect(
      iso(upcoming(read('*/30 0 29 2 */7', 'Europe/Berlin'), Date.UTC(2090, 0, 1), 1)),
    ).toEqual(['2128-02-28T23:00'])
  })

  it('counts a year of minutes without walking it', () => {
    const every = read('* * * * *', 'Europe/Berlin')
    const year = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)] as const
    expect(countDue(every, ...year)).toBe(365 * 1440)
    expect(newestDue(every, ...year, 2)).toEqual([year[1] - 60_000, year[1]])
  })
})

describe(`next due against a slow reference (seed ${seed})`, () => {
  const zones = Intl.supportedValuesOf('timeZone')
  const shares = 4
  it.each(Array.from({ length: shares }, (_, share) => share))('all zones, share %i', (share) => {
    const chosen = zones.filter((_, index) => index % shares === share)
    expect(chosen.length).toBeGreaterThan(50)
    for (const zone of chosen) {
      const readWall = wallReader(zone)
      const property = fc.property(
        fc.integer({ min: 1995, max: 2037 }),
        fc.nat(),
        fc.array(wantedExpression, { minLength: 12, maxLength: 12 }),
        (year, pick, expressions) => {
          const changes = daysOfChange(readWall, year)
          const day = changes[pick % changes.length] ?? Date.UTC(year, 0, 1 + (pick % 365))
          const [from, to] = [day - dayMs / 4, day + dayMs * 1.25]
          const walls = readWindow(readWall, from, to)
          for (const wanted of expressions) compare(zone, wanted, walls, from, pick)
        },
      )
      fc.assert(property, { numRuns: runs, seed })
    }
  })
})

function compare(
  zone: string,
  wanted: Parameters<typeof slowDues>[0],
  walls: readonly number[],
  from: number,
  pick: number,
): void {
  const parsed = parseExpression(wanted.text, zone, spread)
  // 30 February and the like
  if (!parsed.ok) return
  const until = from + (walls.length - 1) * 60_000
  const expected = slowDues(wanted, walls, from)
  const told = `${zone} ${wanted.text}`
  const { due } = dueBetween(parsed.value, from, until, Number.POSITIVE_INFINITY)
  expect([told, ...iso(due)]).toEqual([told, ...iso(expected)])
  const middle = from + (pick % (walls.length - 1)) * 60_000
  const later = expected.filter((each) => each > middle)
  expect([told, middle, nextDue(parsed.value, middle)]).toEqual([
    told,
    middle,
    later[0] ?? nextDue(parsed.value, until),
  ])
  expect([told, middle, countDue(parsed.value, middle, until)]).toEqual([
    told,
    middle,
    later.length,
  ])
  expect(newestDue(parsed.value, middle, until, 3)).toEqual(later.slice(-3))
}
