/** Whether a running job is alive by its owner's own measure: a check that passes, output that keeps coming. */
import type { JobSpec } from '../../proto/job.ts'

export type Liveness = {
  run: number
  failuresInRow: number
  lastDetail: string
}

export type Unhealthy = { run: number; check: string; detail: string }

export const newLiveness = (run: number): Liveness => ({ run, failuresInRow: 0, lastDetail: '' })

export function withCheck(before: Liveness, result: { ok: boolean; detail: string }): Liveness {
  const failuresInRow = result.ok ? 0 : before.failuresInRow + 1
  return { ...before, failuresInRow, lastDetail: result.detail }
}

export function checkVerdict(spec: JobSpec, liveness: Liveness): Unhealthy | null {
  if (spec.check === null || liveness.failuresInRow < spec.check.threshold) return null
  const { probe } = spec.check
  const check = probe.kind === 'http' ? probe.url : probe.argv.join(' ')
  const detail = `${liveness.failuresInRow} failures in a row, the last: ${liveness.lastDetail}`
  return { run: liveness.run, check: clip(check), detail: clip(detail) }
}

/** `lastOutputAt` where it is known; a run that never wrote is judged from its start. */
export function silenceVerdict(
  spec: JobSpec,
  run: { number: number; startedAt: number; lastOutputAt: number | null },
  now: number,
): Unhealthy | null {
  if (spec.silenceMs === null) return null
  const lastAt = Math.max(run.startedAt, run.lastOutputAt ?? 0)
  const silentMs = now - lastAt
  if (silentMs < spec.silenceMs) return null
  const detail = `no output for ${Math.floor(silentMs / 1000)} s`
  return { run: run.number, check: 'silence', detail }
}

const clip = (text: string): string => (text.length > 500 ? `${text.slice(0, 500)}…` : text)
