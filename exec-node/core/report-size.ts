/** What of the placements fits into one report: the scheduler takes no body over 16 MiB. */
import type { PlacementReport } from '../../proto/sync.ts'
import { reportOf, type PlacementRecord } from './record.ts'

export const reportLimits = { tailBytes: 4 * 2 ** 20, bytes: 8 * 2 ** 20 }

/** What is left out, or said in `part`, is for the next report. */
export function fitted(
  records: readonly PlacementRecord[],
  full: boolean,
  limits = reportLimits,
): PlacementReport[] {
  const placements: PlacementReport[] = []
  let [bytes, tailBytes] = [0, 0]
  const take = (report: PlacementReport) => {
    const size = sizeOf(report)
    const fits = bytes + size.bytes <= limits.bytes && tailBytes + size.tails <= limits.tailBytes
    if (!fits && placements.length > 0) return false
    bytes += size.bytes
    tailBytes += size.tails
    placements.push(report)
    return true
  }
  for (const record of records) {
    const whole = reportOf(record)
    if (take(whole) || !full) continue
    // A full report names all that is here. What is said in part is not said as the newest version, so that
    // its acknowledgement drops nothing.
    const part = { ...whole, version: record.ackedVersion, part: true }
    const runs = whole.runs.map((run) => ({ ...run, tail: null }))
    if (!take({ ...part, runs })) placements.push({ ...part, runs: runs.slice(-1) })
  }
  return placements
}

function sizeOf(report: PlacementReport): { bytes: number; tails: number } {
  let tails = 0
  for (const { tail } of report.runs) tails += (tail?.out.length ?? 0) + (tail?.err.length ?? 0)
  return { bytes: JSON.stringify(report).length, tails }
}
