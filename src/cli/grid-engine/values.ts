/** Values of Grid Engine's flags: sizes, times, dates, ranges, lists of paths and of variables. */
import type { ArrayRange } from '../../../proto/job.ts'

const sizes: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  K: 2 ** 10,
  m: 1e6,
  M: 2 ** 20,
  g: 1e9,
  G: 2 ** 30,
  t: 1e12,
  T: 2 ** 40,
}

/** Bytes; `K M G T` are powers of 1024, small letters of 1000. Null: no memory value. */
export function memoryValue(text: string): number | null {
  if (/^infinity$/i.test(text)) return Number.POSITIVE_INFINITY
  const [, amount, unit] = /^(\d+(?:\.\d+)?|\.\d+)([kKmMgGtT]?)$/.exec(text) ?? []
  if (amount === undefined) return null
  return Math.round(Number(amount) * (sizes[unit ?? ''] ?? 1))
}

/** Seconds, from `90`, `1:30` or `0:1:30`. Null: no time value. */
export function timeValue(text: string): number | null {
  if (/^infinity$/i.test(text)) return Number.POSITIVE_INFINITY
  if (!/^\d*(:\d*){0,2}$/.test(text) || text === '') return null
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part || '0'), 0)
}

/** `[[CC]YY]MMDDhhmm[.SS]` in local time; null where it is no such. */
export function dateValue(text: string, now: number): number | null {
  const match = /^(?:(\d{2})?(\d{2}))?(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{2}))?$/.exec(text)
  if (match === null) return null
  const [, century, year, ...rest] = match
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number)
  const fullYear =
    year === undefined
      ? new Date(now).getFullYear()
      : Number(century ?? (Number(year) < 70 ? '20' : '19')) * 100 + Number(year)
  const date = new Date(fullYear, month - 1, day, hour, minute, second || 0)
  const isSame = date.getMonth() === month - 1 && date.getDate() === day && hour < 24 && minute < 60
  return isSame ? date.getTime() : null
}

/** `n`, `n-m`, `n-m:s`, and `n:m` as some clients write it; null where there is no number. */
export function taskRange(text: string): ArrayRange | null {
  const match = /^(\d+)(?:[-:](\d+)(?::(\d+))?)?$/.exec(text)
  if (match === null) return null
  const [from = 0, to = from, step = 1] = match
    .slice(1)
    .flatMap((part) => (part === undefined ? [] : [Number(part)]))
  return { from: Math.min(from, to), to: Math.max(from, to), step: Math.max(1, step) }
}

/** `y`, `yes`, `n`, `no` in any case; null: neither. */
export function yesNo(text: string): boolean | null {
  if (/^y(es)?$/i.test(text)) return true
  return /^n(o)?$/i.test(text) ? false : null
}

/** `[host:]path,…`: the path for any host, else the first one. */
export function pathFor(text: string): string {
  const entries = text.split(',').map((entry) => {
    const [, host, path] = /^([^/:]*):(.*)$/s.exec(entry) ?? [null, null, entry]
    return { host, path: path ?? '' }
  })
  return (entries.find(({ host }) => !host) ?? entries[0])?.path ?? ''
}

/** `A=1,B,C="x,y"`: quotes hold a value together and are taken off. */
export function variables(text: string): [name: string, value: string | null][] {
  const parts = text.match(/(?:"[^"]*"|'[^']*'|[^,"'])+/g) ?? []
  return parts.map((part) => {
    const at = part.indexOf('=')
    if (at < 0) return [part, null]
    const value = part.slice(at + 1).replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2')
    return [part.slice(0, at), value]
  })
}

/** `*` any text, `?` one character, `[…]` one of these; a pattern that is none matches nothing. */
export function matches(pattern: string, text: string): boolean {
  const source = pattern.replaceAll(/\[[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    return part.length > 1
      ? part.replaceAll('\\', String.raw`\\`).replace(/^\[!/, '[^')
      : part.replace(/[\\^$.|+()[\]{}]/, String.raw`\$&`)
  })
  try {
    return new RegExp(`^${source}$`, 's').test(text)
  } catch {
    // `[z-a]`: no sign is between these.
    return false
  }
}

/** Has signs of a pattern, so that it may match several texts. */
export const isPattern = (text: string): boolean => /[*?[]/.test(text)
