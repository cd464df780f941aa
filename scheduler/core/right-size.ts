/** What past runs of a job peaked at, and what it should ask for. */
import { formatSize } from '../../proto/resources.ts'

export type Past = { runs: number; peakMemBytes: number; advice: string | null }

/** Runs that are looked at; fewer than the least say too little. */
export const pastRuns = 30
const leastRuns = 3
/** Above the highest peak, for the run that needs a little more. */
const margin = 1.25
const tight = 0.9
/** Asking for twice of what is enough costs others; less than this is not worth a word. */
const wasteful = 2
const leastWaste = 256 * 2 ** 20
/** Jobs that are remembered; the one that ended longest ago is forgotten. */
const jobsMax = 10_000

/** Null where nothing was measured. `peaks` in bytes, newest first. */
export function pastOf(name: string, peaks: readonly number[], memBytes: number): Past | null {
  const recent = peaks.slice(0, pastRuns)
  if (recent.length === 0) return null
  const peakMemBytes = Math.max(...recent)
  return {
    runs: recent.length,
    peakMemBytes,
    advice: adviceOf(name, recent.length, peakMemBytes, memBytes),
  }
}

function adviceOf(name: string, runs: number, peak: number, asked: number): string | null {
  if (runs < leastRuns) return null
  const enough = roundUp(peak * margin)
  const past = `the last ${runs} runs of ${name} peaked at ${formatSize(peak)}`
  if (peak >= asked * tight && enough > asked)
    return `${past}, close to the ${formatSize(asked)} asked for: ask for --mem ${formatSize(enough)}`
  if (asked > enough * wasteful && asked - enough >= leastWaste)
    return `${past}, far below the ${formatSize(asked)} asked for: --mem ${formatSize(enough)} is enough`
  return null
}

/** To what people write: steps of 64M below 1G, of 256M above. */
function roundUp(bytes: number): number {
  const step = (bytes < 2 ** 30 ? 64 : 256) * 2 ** 20
  return Math.ceil(bytes / step) * step
}

/** Peaks of runs that ended since the start, for a word at submit that costs no look into history. */
export class RecentPeaks {
  readonly #byJob = new Map<string, number[]>()

  add(owner: string, name: string, peakMemBytes: number): void {
    const key = `${owner}\0${name}`
    const before = this.#byJob.get(key) ?? []
    this.#byJob.delete(key)
    this.#byJob.set(key, [peakMemBytes, ...before].slice(0, pastRuns))
    if (this.#byJob.size <= jobsMax) return
    const [oldest] = this.#byJob.keys()
    if (oldest !== undefined) this.#byJob.delete(oldest)
  }

  of(owner: string, name: string): readonly number[] {
    return this.#byJob.get(`${owner}\0${name}`) ?? []
  }
}
