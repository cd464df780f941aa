/** What stands behind jsub's flags, as numbers and times; null where it cannot be read. */
import { parseDuration } from '../../../../proto/resources.ts'

/** `-mem 512m`: digits and a letter, powers of 1024. */
export function memory(text: string): number | null {
  const match = /^(\d+)([kmg])$/i.exec(text)
  return match && Number(match[1]) * 1024 ** ('kmg'.indexOf(match[2]?.toLowerCase() ?? '') + 1)
}

/** Grid Engine's sizes: `k m g` are powers of 1000, `K M G` of 1024. */
export function gridSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([kmgKMG]?)$/.exec(text)
  if (match === null) return null
  const letter = match[2] ?? ''
  const power = letter === '' ? 0 : 'kmg'.indexOf(letter.toLowerCase()) + 1
  return Math.round(Number(match[1]) * (letter === letter.toUpperCase() ? 1024 : 1000) ** power)
}

export function time(text: string): number | null {
  const parsed = parseDuration(text)
  return parsed.ok ? parsed.value : null
}

/** `-a [[CC]YY]MMDDhhmm[.SS]`, local time, as ISO 8601. */
export function dateTime(text: string, now: number): string | null {
  const match = /^((?:\d\d)?\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d\d))?$/.exec(text)
  if (match === null) return null
  const [, year, ...rest] = match
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map((part) =>
    Number(part ?? 0),
  )
  const full =
    year === undefined
      ? new Date(now).getFullYear()
      : year.length === 2
        ? 2000 + Number(year)
        : Number(year)
  const at = new Date(full, month - 1, day, hour, minute, second)
  return at.getMonth() === month - 1 && at.getDate() === day && hour < 24 && minute < 60
    ? at.toISOString()
    : null
}

export const yes = (text: string | undefined): boolean => /^y(es)?$/i.test(text ?? '')
