/** One field of a cron expression: H is resolved here, cron-parser expands what remains, refusals are sentences. */
import { CronExpressionParser } from 'cron-parser'

import { stableHash } from './stable-hash.ts'

export type Spread = { owner: string; name: string }
export type FieldName = 'minute' | 'hour' | 'day of month' | 'month' | 'day of week'
/** `star`: the field contains `*`, a stepped star or `H/n`, which makes minute and hour interval-like. */
export type Field = { values: readonly number[]; star: boolean }
export type FieldResult = { ok: true; value: Field } | { ok: false; problem: string }

type Bounds = {
  name: FieldName
  min: number
  max: number
  /** Where `H` may fall: a day that every month has, and a Sunday that is not counted twice. */
  hashMax: number
  names: readonly string[]
}

const monthNames = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const weekdayNames = 'sun mon tue wed thu fri sat'.split(' ')
const fieldBounds: readonly Bounds[] = [
  { name: 'minute', min: 0, max: 59, hashMax: 59, names: [] },
  { name: 'hour', min: 0, max: 23, hashMax: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, hashMax: 28, names: [] },
  { name: 'month', min: 1, max: 12, hashMax: 12, names: monthNames },
  { name: 'day of week', min: 0, max: 7, hashMax: 6, names: weekdayNames },
]

class Refused extends Error {}

export function parseField(text: string, position: number, spread: Spread): FieldResult {
  const bounds = fieldBounds[position]!
  try {
    const values = new Set<number>()
    let star = false
    for (const item of text.split(',')) {
      star ||= item.startsWith('*') || /^H\//i.test(item)
      for (const value of itemValues(item, text, position, bounds, spread)) values.add(value)
    }
    return { ok: true, value: { values: [...values].sort((a, b) => a - b), star } }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { ok: false, problem: `${bounds.name} "${text}": ${error.message}` }
  }
}

function itemValues(
  item: string,
  field: string,
  position: number,
  bounds: Bounds,
  spread: Spread,
): readonly number[] {
  if (item === '') throw new Refused('an item of the list is empty; write values, as in 1,2,3')
  const hashed = /^H(?:\((\w+)-(\w+)\))?(?:\/(\d{1,4}))?$/i.exec(item)
  if (hashed !== null) return hashedValues(hashed, position, bounds, spread)
  const plain = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d{1,4}))?$/.exec(item)
  if (plain === null) throw new Refused(unreadable(item, field))
  const [, first, last, stepText] = plain
  checkStep(stepText, bounds)
  if (first === undefined) return expand(item, position)
  const low = numberOf(first, bounds, false)
  const high = last === undefined ? null : numberOf(last, bounds, true)
  if (high !== null) checkOrder(low, high, bounds)
  const range = high === null ? `${low}` : `${low}-${high}`
  return expand(stepText === undefined ? range : `${range}/${Number(stepText)}`, position)
}

function hashedValues(
  match: RegExpExecArray,
  position: number,
  bounds: Bounds,
  spread: Spread,
): number[] {
  const [, first, last, stepText] = match
  const low = first === undefined ? bounds.min : numberOf(first, bounds, false)
  const high = last === undefined ? bounds.hashMax : numberOf(last, bounds, true)
  checkOrder(low, high, bounds)
  const size = high - low + 1
  const step = stepText === undefined ? size : Number(stepText)
  if (step < 1 || step > size) {
    throw new Refused(`a step of ${step} does not fit into ${low}-${high}; write 1 to ${size}`)
  }
  const values: number[] = []
  const start = low + (stableHash('H', position, spread.owner, spread.name) % step)
  for (let value = start; value <= high; value += step) values.push(normal(value, position))
  return values
}

function numberOf(word: string, bounds: Bounds, isEnd: boolean): number {
  const named = bounds.names.indexOf(word.toLowerCase())
  // a week may end with Sunday: fri-sun is 5-7
  if (named === 0 && isEnd && bounds.min === 0) return 7
  const value =
    named === -1 ? Number(/^\d{1,4}$/.test(word) ? word : Number.NaN) : named + bounds.min
  if (value >= bounds.min && value <= bounds.max) return value
  const names = bounds.names.length === 0 ? '' : ` or ${bounds.names[0]} to ${bounds.names.at(-1)}`
  throw new Refused(`"${word}" is not in the field; write ${bounds.min} to ${bounds.max}${names}`)
}

function checkOrder(low: number, high: number, bounds: Bounds): void {
  if (low <= high) return
  throw new Refused(
    `the range ${low}-${high} runs backwards; write ${low}-${bounds.max},${bounds.min}-${high}`,
  )
}

function checkStep(stepText: string | undefined, bounds: Bounds): void {
  if (stepText === undefined) return
  const size = bounds.max - bounds.min + 1
  const step = Number(stepText)
  if (step >= 1 && step <= size) return
  throw new Refused(`a step of ${step} does not fit into the field; write 1 to ${size}`)
}

function unreadable(item: string, field: string): string {
  if (/[L#W]$|#\d$/i.test(item)) {
    return `"${item}" is not known here; write days as numbers or names, as in 28 or mon`
  }
  if (item.includes('?')) return 'write * for "any"'
  const part = item === field ? 'this' : `"${item}"`
  return `${part} cannot be read; write *, 5, 1-5, */10, 1,2,3, H or H(0-29)`
}

const expanded = new Map<string, readonly number[]>()
const expandedMax = 5000

/** Memory of what cron-parser said, because it takes 30 µs and grids have thousands of `0`. */
function expand(item: string, position: number): readonly number[] {
  const key = `${position} ${item}`
  const known = expanded.get(key)
  if (known !== undefined) return known
  const fields = ['*', '*', '*', '*', '*']
  fields[position] = item
  const collection = CronExpressionParser.parse(fields.join(' '), {
    currentDate: new Date(0),
    tz: 'UTC',
  }).fields
  const field = [
    collection.minute,
    collection.hour,
    collection.dayOfMonth,
    collection.month,
    collection.dayOfWeek,
  ][position]!
  const values = field.values.map((value) => normal(Number(value), position))
  if (expanded.size >= expandedMax) expanded.clear()
  expanded.set(key, values)
  return values
}

const normal = (value: number, position: number): number => (position === 4 ? value % 7 : value)
