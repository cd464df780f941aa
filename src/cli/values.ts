/** Words of a command line as values, or a usage error that says what to write. */
import { constants } from 'node:os'

import { parseDuration, parseSize, type Parsed } from '../../proto/resources.ts'
import { UsageError } from './command.ts'

/** `undefined` stays: the option was not said. */
export type Maybe<T> = T | undefined

function taken<T>(option: string, parsed: Parsed<T>): T {
  if (!parsed.ok) throw new UsageError(`--${option}: ${parsed.problem}`)
  return parsed.value
}

export const size = (option: string, text: Maybe<string>): Maybe<number> =>
  text === undefined ? undefined : taken(option, parseSize(text))

export const duration = (option: string, text: Maybe<string>): Maybe<number> =>
  text === undefined ? undefined : taken(option, parseDuration(text))

export function whole(
  option: string,
  text: Maybe<string>,
  [least, most]: readonly [number, number] = [1, Number.MAX_SAFE_INTEGER],
): Maybe<number> {
  if (text === undefined) return undefined
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
  throw new UsageError(`--${option}: "${text}" is not a whole number ${range}`)
}

export function positive(option: string, text: Maybe<string>): Maybe<number> {
  if (text === undefined) return undefined
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value > 0) return value
  throw new UsageError(`--${option}: "${text}" is not a positive number; write for example 0.5`)
}

export function oneOf<const C extends string>(
  option: string,
  text: Maybe<string>,
  choices: readonly C[],
): Maybe<C> {
  if (text === undefined) return undefined
  const found = choices.find((choice) => choice === text)
  if (found === undefined) {
    throw new UsageError(`--${option}: "${text}" is none of ${choices.join(', ')}`)
  }
  return found
}

/** A folder or file that must have a name: an empty one would be the present directory. */
export function path(option: string, text: Maybe<string>): Maybe<string> {
  if (text === '') throw new UsageError(`--${option}: the name is empty`)
  return text
}

/** `KEY=VALUE` words as a record; a key said twice keeps the last. */
export function pairs(option: string, words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=')
      if (at < 1) throw new UsageError(`--${option}: "${word}" is not KEY=VALUE`)
      return [word.slice(0, at), word.slice(at + 1)]
    }),
  )
}

/** `lic=2 lock`: a resource and how much of it; `none` takes back what was said before. */
export function resourceAsks(words: readonly string[]): Maybe<Record<string, number>> {
  if (words.length === 0) return undefined
  const asked = words.filter((word) => word !== 'none')
  return Object.fromEntries(
    asked.map((word) => {
      const [name = '', amount] = splitAt(word)
      return [name, amount === undefined ? 1 : wholeIn('resource', word, amount, 1)]
    }),
  )
}

/** `lic=10`, with `TOTAL` in the place of 10 for people. */
export function resourceTotal(word: string): { name: string; total: number } {
  const [name = '', total] = splitAt(word)
  if (name === '' || total === undefined)
    throw new UsageError(`"${word}" is not NAME=TOTAL; write for example licences=10`)
  return { name, total: wholeIn('', word, total, 0) }
}

const splitAt = (word: string): string[] => {
  const at = word.indexOf('=')
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)]
}

function wholeIn(option: string, word: string, text: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= 1_000_000_000) return value
  const where = option === '' ? '' : `--${option}: `
  throw new UsageError(
    `${where}"${word}": "${text}" is not a whole number from ${least} to 1000000000`,
  )
}

/** `SIGTERM`, `term` and `15` are the same. */
export function signal(option: string, text: Maybe<string>): Maybe<string> {
  if (text === undefined) return undefined
  const name = text.toUpperCase()
  const found = Object.entries(constants.signals).find(
    ([known, number]) => known === name || known === `SIG${name}` || String(number) === text,
  )
  if (!found) throw new UsageError(`--${option}: "${text}" is not a signal; write for example TERM`)
  return found[0]
}

/** `5`, `1-100`, `1-100:2`. */
export function arrayRange(text: Maybe<string>): Maybe<{ from: number; to: number; step: number }> {
  if (text === undefined) return undefined
  const match = /^(\d{1,9})(?:-(\d{1,9}))?(?::(\d{1,9}))?$/.exec(text)
  const from = Number(match?.[1])
  const to = Number(match?.[2] ?? match?.[1])
  const step = Number(match?.[3] ?? 1)
  if (!match || from < 1 || to < from || step < 1) {
    throw new UsageError(
      `--array: "${text}" is not a range; write for example 1-100, or 1-100:2 for every second`,
    )
  }
  return { from, to, step }
}

/** `17`, `collect:any`: a job and how it must have ended. */
export function dependency(text: string): { job: string; on: 'ok' | 'any' | 'fail' } {
  const match = /^(.+?)(?::(ok|any|fail))?$/s.exec(text)
  const job = match?.[1] ?? ''
  if (job.includes(':') || job === '') {
    throw new UsageError(`--after: "${text}" is not JOB, JOB:ok, JOB:any or JOB:fail`)
  }
  return { job, on: (match?.[2] ?? 'ok') as 'ok' | 'any' | 'fail' }
}

/** ISO 8601, `18:30` (the next one, local time), `+90m`, `now`. */
export function beginTime(text: Maybe<string>, now: number): Maybe<string> {
  if (text === undefined) return undefined
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (clock) {
    const at = new Date(now)
    at.setHours(Number(clock[1]), Number(clock[2]), 0, 0)
    if (at.getTime() <= now) at.setDate(at.getDate() + 1)
    return at.toISOString()
  }
  if (text === 'now') return new Date(now).toISOString()
  if (text.startsWith('+')) {
    return new Date(now + taken('begin', parseDuration(text.slice(1)))).toISOString()
  }
  const at = dateOf(text)
  if (Number.isNaN(at)) {
    throw new UsageError(
      `--begin: "${text}" is not a time; write 2026-11-23T18:00, 18:00 (the next one), +90m or now`,
    )
  }
  return new Date(at).toISOString()
}

/** Local time where no offset is said, also of a day alone; no day that its month has not. */
function dateOf(text: string): number {
  const [date] = /^\d{4}-\d{2}-\d{2}(?=$|[Tt ])/.exec(text) ?? []
  if (date === undefined) return Number.NaN
  const midnight = Date.parse(`${date}T00:00Z`)
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) {
    return Number.NaN
  }
  return Date.parse(text === date ? `${text}T00:00` : text)
}

/** ISO 8601, or how long ago: `2h`, `7d`. */
export function pastTime(option: string, text: Maybe<string>, now: number): Maybe<string> {
  if (text === undefined) return undefined
  const at = dateOf(text)
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  const ago = parseDuration(text)
  if (ago.ok) return new Date(now - ago.value).toISOString()
  throw new UsageError(
    `--${option}: "${text}" is not a time; write 2026-11-23T18:00, or 2h for two hours ago`,
  )
}
