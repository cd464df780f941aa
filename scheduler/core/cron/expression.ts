/**
 * What people write as a schedule, read once: five fields in a time zone, or `@hourly` and its kin.
 *
 * - `H`, `H(a-b)`, `H/n`, `H(a-b)/n` fall on a place fixed by a hash of owner and name. `@daily` is
 *   `H H * * *`, `@midnight` `H H(0-2) * * *`, and so on: not everybody's work starts at 0:00.
 * - Interval-like is an expression with `*`, a stepped `*` or `H/n` in minute or hour (cronie: a star).
 * - Day of month and day of week: either matches when neither contains `*` or `H/n`; otherwise both must.
 */
import { parseField, type Field, type Spread } from './field.ts'
import { nextDay } from './wall-clock.ts'
import { canonicalZone, suggestZone } from './zone.ts'

export type CronExpression = {
  /** The zone's canonical name. */
  readonly zone: string
  readonly intervalLike: boolean
  /** Sorted values. */
  readonly minutes: Uint8Array
  readonly hours: Uint8Array
  /** Bit n stands for the value n. */
  readonly days: number
  readonly months: number
  readonly weekdays: number
  /** Either of day and weekday is enough. */
  readonly either: boolean
}
export type ParseResult = { ok: true; value: CronExpression } | { ok: false; problem: string }

const nicknames: Readonly<Record<string, string>> = {
  '@hourly': 'H * * * *',
  '@daily': 'H H * * *',
  '@midnight': 'H H(0-2) * * *',
  '@weekly': 'H H * * H',
  '@monthly': 'H H H * *',
  '@yearly': 'H H H H *',
  '@annually': 'H H H H *',
}

export function parseExpression(text: string, tz: string, spread: Spread): ParseResult {
  const zone = canonicalZone(tz)
  if (zone === null) return refuse(zoneProblem(tz))
  const words = text.trim().split(/\s+/)
  if (words[0]!.startsWith('@')) return parseNickname(words, zone, spread)
  if (words.length !== 5) return refuse(lengthProblem(text.trim(), words))
  return parseFields(words, zone, spread)
}

function parseNickname(words: readonly string[], zone: string, spread: Spread): ParseResult {
  const word = words[0]!.toLowerCase()
  if (word === '@reboot') {
    return refuse(
      '@reboot names no time, so nothing could ever be due. To keep a program running, submit it as a continuous job; to run it at times, write five fields, as in "0 3 * * *".',
    )
  }
  const fields = Object.hasOwn(nicknames, word) ? nicknames[word] : undefined
  if (fields === undefined || words.length !== 1) {
    return refuse(
      `"${words.join(' ')}" is not a known nickname. Write one of ${Object.keys(nicknames).join(' ')} and nothing else, or five fields, as in "0 3 * * *".`,
    )
  }
  return parseFields(fields.split(' '), zone, spread)
}

function parseFields(words: readonly string[], zone: string, spread: Spread): ParseResult {
  const fields: Field[] = []
  for (const [position, word] of words.entries()) {
    const field = parseField(word, position, spread)
    if (!field.ok)
      return refuse(`The expression "${words.join(' ')}" cannot be used: ${field.problem}.`)
    fields.push(field.value)
  }
  const [minute, hour, day, month, weekday] = fields as [Field, Field, Field, Field, Field]
  const value: CronExpression = {
    zone,
    intervalLike: minute.star || hour.star,
    minutes: Uint8Array.from(minute.values),
    hours: Uint8Array.from(hour.values),
    days: maskOf(day),
    months: maskOf(month),
    weekdays: maskOf(weekday),
    either: !day.star && !weekday.star,
  }
  return fires(value) ? { ok: true, value } : refuse(neverProblem(words, value))
}

const maskOf = (field: Field): number => field.values.reduce((mask, each) => mask | (1 << each), 0)

/** Asked of one whole 50-year window: calendars repeat, so what has no day there never has one. */
const fires = (value: CronExpression): boolean => nextDay(value, 0) !== null

const refuse = (problem: string): ParseResult => ({ ok: false, problem })

function neverProblem(words: readonly string[], value: CronExpression): string {
  const month =
    value.months === 1 << 2 ? 'February has at most 29 days' : 'no such month is that long'
  return `The expression "${words.join(' ')}" would never fire: there is no day ${words[2]} in month ${words[3]} (${month}). Write a day that exists, as in "${words[0]} ${words[1]} 28 ${words[3]} ${words[4]}".`
}

function lengthProblem(text: string, words: readonly string[]): string {
  const fields = 'minute hour day-of-month month day-of-week'
  if (text === '')
    return `The expression is empty. Write five fields (${fields}), as in "0 3 * * *".`
  const hint =
    words.length === 6
      ? `Seconds and years are not known: leave that field out, as in "${words.slice(1).join(' ')}".`
      : 'Write five, as in "0 3 * * *".'
  return `The expression "${text}" has ${words.length} field${words.length === 1 ? '' : 's'} where five are needed (${fields}). ${hint}`
}

function zoneProblem(tz: string): string {
  const found = suggestZone(tz)
  const write = found === null ? 'an IANA name, as in Europe/Berlin or UTC' : `"${found}"`
  return `"${tz}" is not a known time zone. Write ${write}.`
}
