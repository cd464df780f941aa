/** How far this machine's clock is from the scheduler's, by the Date header of its replies (RFC 9110, 6.6.1). */
import { formatDuration } from '../../proto/resources.ts'
import { unknown, type Probe } from './probe.ts'

/** Far more than the header's own second and a slow reply; wrong enough to mislead logs, make and TLS. */
const failingMs = 30_000

export type SkewMeter = {
  /** A reply that arrived at `now`, and the Date that it carried. */
  saw(date: string | undefined, now: number): void
  probe(): Probe
}

export function skewMeter(): SkewMeter {
  let skewMs: number | null = null
  return {
    saw(date, now) {
      const theirs = Date.parse(date ?? '')
      // The header is cut to the second: on average half a second earlier than the clock it was read from.
      if (!Number.isNaN(theirs)) skewMs = now - (theirs + 500)
    },
    probe: () => ({
      name: 'clock-skew',
      threshold: `failing above ${formatDuration(failingMs)}`,
      read() {
        if (skewMs === null) return Promise.resolve(unknown('no reply of the scheduler yet'))
        const side = skewMs < 0 ? 'behind' : 'ahead of'
        const value = `${formatDuration(Math.abs(skewMs))} ${side} the scheduler`
        return Promise.resolve({ verdict: Math.abs(skewMs) > failingMs ? 'failing' : 'ok', value })
      },
    }),
  }
}
