/** What quotas limit: names, words for people, and how a limit is written. No schemas: `eg` loads this. */
import { parseSize, type Parsed } from './resources.ts'

/**
 * `slots` and `memory` are what its placed tasks hold: more of them wait. Of the rest, a request that would go over
 * a limit is refused.
 */
export const limitNames = [
  'slots',
  'memory',
  'jobs',
  'continuous',
  'schedules',
  'pending',
  'requests',
] as const
export type LimitName = (typeof limitNames)[number]
export type Limits = Readonly<Record<LimitName, number | null>>

/** What each limits, for people. */
export const limitWords: Readonly<Record<LimitName, string>> = {
  slots: 'slots held at once',
  memory: 'memory held at once',
  jobs: 'live jobs',
  continuous: 'continuous jobs',
  schedules: 'schedules',
  pending: 'waiting tasks',
  requests: 'API requests in a minute',
}

/** `jobs=500`, `memory=64G`, `slots=none`. */
export function parseLimit(text: string): Parsed<[LimitName, number | null]> {
  const [name, value = ''] = text.split('=', 2)
  const limit = limitNames.find((known) => known === name)
  if (limit === undefined) {
    const problem = `"${text}" is not LIMIT=VALUE; limits are ${limitNames.join(', ')}`
    return { ok: false, problem }
  }
  if (value === 'none') return { ok: true, value: [limit, null] }
  if (/^\d{1,15}$/.test(value)) return { ok: true, value: [limit, Number(value)] }
  const size = limit === 'memory' ? parseSize(value) : null
  if (size?.ok) return { ok: true, value: [limit, size.value] }
  const example = limit === 'memory' ? '64G' : '500'
  return {
    ok: false,
    problem: `"${text}": write for example ${limit}=${example}, or ${limit}=none`,
  }
}
