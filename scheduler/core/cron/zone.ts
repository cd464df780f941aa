/**
 * Time zones as stretches of constant offset, found with Intl and remembered: the answers depend on
 * nothing but zone and instant, so the memory is only about speed. It is bounded.
 */
import { dayMs } from './wall-clock.ts'

/** `[startMs, endMs)` with one offset; neighbours may have the same one (blocks are cut by year). */
export type Stretch = {
  readonly startMs: number
  readonly endMs: number
  /** Wall clock minus UTC. */
  readonly offsetMs: number
}

const blockMs = 366 * dayMs
const blocksMax = 4096
const blocks = new Map<string, Map<number, readonly Stretch[]>>()
let blockCount = 0

export function stretchAt(zone: string, atMs: number): Stretch {
  const index = Math.floor(atMs / blockMs)
  const block = blocks.get(zone)?.get(index) ?? remember(zone, index)
  for (const stretch of block) if (atMs < stretch.endMs) return stretch
  return block.at(-1)!
}

function remember(zone: string, index: number): readonly Stretch[] {
  if (blockCount >= blocksMax) {
    blocks.clear()
    blockCount = 0
  }
  const block = findStretches(offsetReader(zone), index * blockMs, (index + 1) * blockMs)
  const ofZone = blocks.get(zone) ?? new Map<number, readonly Stretch[]>()
  blocks.set(zone, ofZone.set(index, block))
  blockCount++
  return block
}

/** Looks at every day: no two changes of a zone that undo each other lie closer together. */
function findStretches(
  offsetAt: (atMs: number) => number,
  fromMs: number,
  toMs: number,
): readonly Stretch[] {
  const stretches: Stretch[] = []
  let startMs = fromMs
  let offsetMs = offsetAt(fromMs)
  for (let seenMs = fromMs; seenMs < toMs; seenMs += dayMs) {
    const nextMs = Math.min(seenMs + dayMs, toMs)
    if (offsetAt(nextMs) === offsetMs) continue
    const changeMs = findChange(offsetAt, seenMs, nextMs)
    stretches.push({ startMs, endMs: changeMs, offsetMs })
    startMs = changeMs
    offsetMs = offsetAt(changeMs)
  }
  if (startMs < toMs) stretches.push({ startMs, endMs: toMs, offsetMs })
  return stretches
}

/** The first second with another offset than `fromMs` has. */
function findChange(offsetAt: (atMs: number) => number, fromMs: number, toMs: number): number {
  const before = offsetAt(fromMs)
  let low = fromMs / 1000
  let high = toMs / 1000
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}

function offsetReader(zone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  return (atMs) => {
    const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(atMs))
    if (match?.[1] === undefined) return 0
    const [, sign, hours, minutes, seconds = '0'] = match
    const size = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
    return (sign === '-' ? -size : size) * 1000
  }
}

const canonical = new Map<string, string | null>()
const canonicalMax = 2000

/** The canonical name of an IANA zone, null for anything else; plain offsets such as +01:00 are no zones. */
export function canonicalZone(tz: string): string | null {
  const known = canonical.get(tz)
  if (known !== undefined) return known
  // Intl takes some 100 µs, and a restart reads every schedule
  if (canonical.size >= canonicalMax) canonical.clear()
  const zone = askZone(tz)
  canonical.set(tz, zone)
  return zone
}

function askZone(tz: string): string | null {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(tz)) return null
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: tz }).resolvedOptions().timeZone
  } catch {
    return null
  }
}

/** `Berlin` means Europe/Berlin; null where nothing is close. */
export function suggestZone(tz: string): string | null {
  const city = tz.trim().toLowerCase().replaceAll(' ', '_').split('/').at(-1)
  const zones = Intl.supportedValuesOf('timeZone')
  return zones.find((zone) => zone.toLowerCase().split('/').at(-1) === city) ?? null
}
