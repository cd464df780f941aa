/** What a row of the bench is, and how its figures are written. */

/** One line of the table: `measured` says it in words, `good` whether the budget is met. */
export type Line = { what: string; budget: string; measured: string; good: boolean | null }

export type Row = { name: string; measure: () => Promise<Line[]> }

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

export const ms = (value: number): string =>
  value < 10 ? `${value.toFixed(1)} ms` : `${whole(value)} ms`

export const seconds = (value: number): string => `${(value / 1000).toFixed(2)} s`

export async function timed<T>(work: () => Promise<T>): Promise<{ tookMs: number; value: T }> {
  const from = performance.now()
  const value = await work()
  return { tookMs: performance.now() - from, value }
}

/** Progress for who waits; the table alone goes to standard output. */
export const say = (text: string): void => console.error(`  ${text}`)
