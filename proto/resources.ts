/** Sizes and durations: parse what people type, compare, format for people. Sizes in bytes, durations in ms. */

export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string }

const sizeUnits: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** `512M`, `1.5G`, `2GiB`, `1048576`: powers of 1024 as systemd and Slurm read them. */
export function parseSize(text: string): Parsed<number> {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim())
  const value =
    match && Math.round(Number(match[1]) * (sizeUnits[(match[2] ?? '').toLowerCase()] ?? 1))
  if (!value || !Number.isSafeInteger(value)) {
    return { ok: false, problem: `"${text}" is not a size; write for example 512M or 2G` }
  }
  return { ok: true, value }
}

const durationUnits: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `90s`, `5m`, `1h30m`, `2d`, `01:30:00` (hours:minutes:seconds), and a bare number of seconds. */
export function parseDuration(text: string): Parsed<number> {
  const clean = text.trim().toLowerCase()
  const problem = `"${text}" is not a duration; write for example 90s, 5m, 1h30m or 01:30:00`
  const clock = /^(\d+):([0-5]?\d):([0-5]?\d)$/.exec(clean)
  if (clock) {
    return {
      ok: true,
      value: (Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3])) * 1000,
    }
  }
  if (/^\d+(\.\d+)?$/.test(clean)) return { ok: true, value: Math.round(Number(clean) * 1000) }
  if (!/^(\d+(\.\d+)?(ms|min|[smhdw]))+$/.test(clean)) return { ok: false, problem }
  let total = 0
  for (const [, amount, unit] of clean.matchAll(/(\d+(?:\.\d+)?)(ms|min|[smhdw])/g)) {
    total += Number(amount) * (durationUnits[unit ?? ''] ?? Number.NaN)
  }
  return Number.isFinite(total) ? { ok: true, value: Math.round(total) } : { ok: false, problem }
}

/** Shortest exact form up to one decimal: `512M`, `1.5G`. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of [
    ['T', 2 ** 40],
    ['G', 2 ** 30],
    ['M', 2 ** 20],
    ['K', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${Math.round((bytes / size) * 10) / 10}${unit}`
  }
  return String(bytes)
}

/** At most two units, the larger first: `1h30m`, `45s`, `350ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const parts: string[] = []
  let rest = Math.round(ms / 1000) * 1000
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    const count = Math.floor(rest / size)
    if (count > 0) parts.push(`${count}${unit}`)
    rest -= count * size
  }
  return parts.slice(0, 2).join('')
}
