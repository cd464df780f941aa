/** From the readings of a probe to its verdict, with hysteresis: quick to distrust, slower to trust again. */
import type { Verdict } from '../../proto/node.ts'

export type Reading = { verdict: Verdict; value: string }

export type ProbeHistory = {
  verdict: Verdict
  /** Wall clock of the last change of the verdict. */
  since: number
  value: string
  /** Newest last; readings that say something. */
  recent: readonly Exclude<Verdict, 'unknown'>[]
  unknownInRow: number
}

const readingsToFail = 3
const readingsToRecover = 5

export const isBad = ({ verdict }: { verdict: Verdict }): boolean =>
  verdict === 'failing' || verdict === 'critical'

const rank = { ok: 0, failing: 1, critical: 2 } as const

export function newHistory(now: number): ProbeHistory {
  return { verdict: 'unknown', since: now, value: 'not read yet', recent: [], unknownInRow: 0 }
}

export function withReading(history: ProbeHistory, reading: Reading, now: number): ProbeHistory {
  const { value } = reading
  if (reading.verdict === 'unknown') {
    const unknownInRow = history.unknownInRow + 1
    // A probe that found something bad and now says nothing has not recovered.
    const verdict = !isBad(history) && unknownInRow >= readingsToFail ? 'unknown' : history.verdict
    return changed({ ...history, value, unknownInRow }, verdict, now)
  }
  const recent = [...history.recent, reading.verdict].slice(-readingsToRecover)
  const verdict = judge(history.verdict === 'unknown' ? 'ok' : history.verdict, recent)
  return changed({ ...history, value, recent, unknownInRow: 0 }, verdict, now)
}

function judge(
  present: Exclude<Verdict, 'unknown'>,
  recent: readonly Exclude<Verdict, 'unknown'>[],
): Exclude<Verdict, 'unknown'> {
  const last = recent.slice(-readingsToFail)
  const all = (least: number) =>
    last.length === readingsToFail && last.every((reading) => rank[reading] >= least)
  if (all(rank.critical)) return 'critical'
  if (all(rank.failing) && present === 'ok') return 'failing'
  if (recent.length < readingsToRecover) return present
  const worst = Math.max(...recent.map((reading) => rank[reading]))
  if (worst >= rank[present]) return present
  return worst === rank.ok ? 'ok' : 'failing'
}

const changed = (history: ProbeHistory, verdict: Verdict, now: number): ProbeHistory =>
  verdict === history.verdict ? history : { ...history, verdict, since: now }
