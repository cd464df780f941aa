/** What a health probe is: it reads one thing about the machine and judges that one reading. */
import type { Reading } from '../core/health.ts'

export type Probe = {
  name: string
  threshold: string
  read(): Promise<Reading>
}

export const unknown = (value: string): Reading => ({ verdict: 'unknown', value })

/** The worse of two thresholds that a share, given in percent, lies below. */
export function below(percent: number, failing: number, critical: number): Reading['verdict'] {
  if (percent < critical) return 'critical'
  return percent < failing ? 'failing' : 'ok'
}
