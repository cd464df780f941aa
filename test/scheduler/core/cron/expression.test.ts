import { CronExpressionParser } from 'cron-parser'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseExpression, type CronExpression } from '../../../../scheduler/core/cron/expression.ts'
import { upcoming } from '../../../../scheduler/core/cron/next-due.ts'

const spread = { owner: 'tools.bot', name: 'nightly' }

function read(text: string, owner = spread.owner): CronExpression {
  const result = parseExpression(text, 'UTC', { ...spread, owner })
  if (!result.ok) throw new Error(result.problem)
  return result.value
}
const bits = (mask: number): number[] =>
  Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (mask >>> bit) & 1)

describe('fields', () => {
  it('reads names, ranges, steps, lists and both Sundays', () => {
    const value = read('0,30 9-17/4,22 1-5 jan-mar,DEC fri-sun')
    expect([...value.minutes]).toEqual([0, 30])
    expect([...value.hours]).toEqual([9, 13, 17, 22])
    expect(bits(value.days)).toEqual([1, 2, 3, 4, 5])
    expect(bits(value.months)).toEqual([1, 2, 3, 12])
    expect(bits(value.weekdays)).toEqual([0, 5, 6])
    expect(bits(read('0 0 * * 7').weekdays)).toEqual([0])
    expect(bits(read('0 0 * * sun,1-3,2').weekdays)).toEqual([0, 1, 2, 3])
    expect([...read('5/20 * * * *').minutes]).toEqual([5, 25, 45])
  })

  it('knows what is interval-like and when either day is enough', () => {
    const intervalLike = (text: string): boolean => read(text).intervalLike
    expect(
      ['* 2 * * *', '0 * * * *', '0 */2 * * *', 'H/5 1 * * *', '@hourly'].map(intervalLike),
    ).toEqual([true, true, true, true, true])
    expect(['0 2 * * *', 'H H * * *', '0-59/5 0-23 * * *', '@daily'].map(intervalLike)).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(read('0 0 13 * fri').either).toBe(true)
    expect(read('0 0 */2 * fri').either).toBe(false)
    expect(read('0 0 13 * *').either).toBe(false)
  })
})

describe('H and nicknames', () => {
  it('stay in their bounds, are stable, and differ per owner and field', () => {
    const value = read('H(10-20) H(0-5)/2 H H H')
    expect(value.minutes.every((minute) => minute >= 10 && minute <= 20)).toBe(true)
    expect(value.hours.every((hour) => hour <= 5)).toBe(true)
    expect(value.hours).toHaveLength(3)
    expect(Math.max(...bits(value.days))).toBeLessThanOrEqual(28)
    expect(read('H(10-20) H(0-5)/2 H H H')).toEqual(value)
    expect([...read('@daily').hours, ...read('@daily').minutes]).toEqual([12, 28])
  })

  it('spread a thousand owners evenly over the hour', () => {
    const perMinute = new Map<number, number>()
    for (let owner = 0; owner < 6000; owner++) {
      const minute = read('@hourly', `tool${owner}`).minutes[0]!
      perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1)
    }
    expect(perMinute.size).toBe(60)
    expect(Math.max(...perMinute.values())).toBeLessThan(150)
  })

  it.each([
    ['@hourly', 1 / 24, 1 / 24],
    ['@daily', 1, 1],
    ['@midnight', 1, 1],
    ['@weekly', 7, 7],
    ['@monthly', 28, 31],
    ['@yearly', 365, 366],
    ['@annually', 365, 366],
  ])('%s fires once per period', (nickname, daysMin, daysMax) => {
    const [first, second] = upcoming(read(nickname), Date.UTC(2026, 0, 1), 2)
    const days = (second! - first!) / 8.64e7
    expect(days).toBeGreaterThanOrEqual(daysMin)
    expect(days).toBeLessThanOrEqual(daysMax)
  })
})

describe('refusals say what, why and what to write', () => {
  it.each([
    ['', 'Write five fields'],
    ['0 0 3 * * *', 'as in "0 3 * * *"'],
    ['0 3 * *', 'has 4 fields'],
    ['@reboot', 'continuous job'],
    ['@fortnightly', '@hourly @daily'],
    ['30 2 31 2 *', 'would never fire: there is no day 31 in month 2'],
    ['0 0 31 4,6,9,11 *', 'would never fire'],
    ['60 * * * *', 'write 0 to 59'],
    ['* 24 * * *', 'write 0 to 23'],
    ['* * * foo *', 'jan to dec'],
    ['* 22-2 * * *', 'write 22-23,0-2'],
    ['*/90 * * * *', 'write 1 to 60'],
    ['*/0 * * * *', 'write 1 to 60'],
    ['H/61 * * * *', 'write 1 to 60'],
    ['H(5-70) * * * *', 'write 0 to 59'],
    ['0 0 1,,2 * *', 'is empty'],
    ['0 0 L * *', 'write 1 to 31'],
    ['0 0 * * fri#2', 'not known here'],
    ['0 0 ? * *', 'write * for'],
    ['a b c d e', 'write 0 to 59'],
    ['-1 * * * *', 'cannot be read'],
    ['1e1 * * * *', 'write 0 to 59'],
  ])('%s', (text, says) => {
    const result = parseExpression(text, 'UTC', spread)
    expect(result.ok ? 'accepted' : result.problem).toContain(says)
  })

  it.each([
    ['Berlin', '"Europe/Berlin"'],
    ['+01:00', 'IANA name'],
    ['Mars/Olympus', 'IANA name'],
    ['', 'IANA name'],
  ])('zone %s', (tz, says) => {
    const result = parseExpression('0 0 * * *', tz, spread)
    expect(result.ok ? 'accepted' : result.problem).toContain(says)
  })

  it('never throws, whatever is typed', () => {
    const word = fc.stringMatching(/^[*H0-9a-z(),/@#?-]{0,8}$/)
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
    )
    fc.assert(
      fc.property(text, (typed) => {
        const result = parseExpression(typed, 'UTC', spread)
        expect(result.ok || result.problem.length > 20).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

it('reads minute lists as cron-parser does', () => {
  const minute = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(minute, (minutes) => {
      const text = `${minutes.join(',')} 1-23/3 * * *`
      const theirs = CronExpressionParser.parse(text).fields
      expect([...read(text).minutes]).toEqual(theirs.minute.values)
      expect([...read(text).hours]).toEqual(theirs.hour.values)
    }),
  )
})
