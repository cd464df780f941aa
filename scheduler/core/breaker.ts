/**
 * The black-hole breaker: a node on which runs of several owners fail at once takes no new work. After a pause
 * one waiting task may be tried there (the canary): if it does well the node opens, else the pause doubles.
 * One owner's mistakes never close a node, nor does a job that has been failing all along.
 */
import type { Cause } from '../../proto/cause.ts'

export type BreakerSettings = {
  /** Failures of so many different owners ... */
  owners: number
  /** ... within this time ... */
  windowMs: number
  /** ... of runs that lived no longer than this. */
  fastMs: number
  firstPauseMs: number
  longestPauseMs: number
  /** A canary that has neither started nor ended by then is given up, and another one is tried. */
  canaryPatienceMs: number
}

export const defaultBreaker: BreakerSettings = {
  owners: 3,
  windowMs: 120_000,
  fastMs: 10_000,
  firstPauseMs: 60_000,
  longestPauseMs: 3_600_000,
  canaryPatienceMs: 300_000,
}

export type RunEnd = {
  task: string
  owner: string
  at: number
  /** Null when it could not start. */
  ranMs: number | null
  cause: Cause
  /** The task's run before it on this node failed too: nothing new about the node. */
  repeated: boolean
}

export type Canary = { task: string; placedAt: number; startedAt: number | null }
export type Quarantine = {
  evidence: string
  /** Pauses so far. */
  pauses: number
  tryAt: number
  canary: Canary | null
}
/** What is kept of a node; starts as `noHistory`. */
export type BreakerHistory = { ends: readonly RunEnd[]; quarantine: Quarantine | null }
export const noHistory: BreakerHistory = { ends: [], quarantine: null }

export type BreakerVerdict = {
  /** `canary`: one task may be tried now; `trying`: one is being tried. All but `open` are closed to the rest. */
  state: 'open' | 'paused' | 'canary' | 'trying'
  /** Why it takes no new work, for people. */
  reason: string | null
  /** When time alone may change the verdict. */
  wakeAt: number | null
  /** To be kept in place of what was judged; the same object where nothing has changed. */
  history: BreakerHistory
}

/** Ends that are kept; a storm needs no more to be seen. */
const endsMax = 256

export function withEnd(
  history: BreakerHistory,
  end: RunEnd,
  settings = defaultBreaker,
): BreakerHistory {
  const ends = [...history.ends, end]
    .filter(({ at }) => at > end.at - settings.windowMs)
    .slice(-endsMax)
  const { quarantine } = history
  if (quarantine?.canary?.task !== end.task) return { ends, quarantine }
  const sign = signOf(end, settings)
  if (sign === 'good') return noHistory
  if (sign === 'none') return { ends, quarantine: { ...quarantine, canary: null } }
  const again = pausedAgain(quarantine, `canary ${end.task} failed too`, end.at, settings)
  return { ends, quarantine: again }
}

export function withCanary(history: BreakerHistory, task: string, now: number): BreakerHistory {
  if (history.quarantine === null) return history
  const canary = { task, placedAt: now, startedAt: null }
  return { ...history, quarantine: { ...history.quarantine, canary } }
}

/** To be called for every run that starts; of interest is only the canary's. */
export function withStart(history: BreakerHistory, task: string, now: number): BreakerHistory {
  const { quarantine } = history
  if (quarantine?.canary?.task !== task) return history
  const canary = { ...quarantine.canary, startedAt: now }
  return { ...history, quarantine: { ...quarantine, canary } }
}

export function judge(
  history: BreakerHistory,
  now: number,
  settings = defaultBreaker,
): BreakerVerdict {
  const quarantine = history.quarantine ?? firstQuarantine(history.ends, now, settings)
  if (quarantine === null) return { state: 'open', reason: null, wakeAt: null, history }
  const { canary } = quarantine
  if (canary !== null && canary.startedAt !== null && now >= canary.startedAt + settings.fastMs) {
    return { state: 'open', reason: null, wakeAt: null, history: noHistory }
  }
  const patient = canary !== null && now < canary.placedAt + settings.canaryPatienceMs
  if (canary !== null && (canary.startedAt !== null || patient)) {
    const wakeAt =
      canary.startedAt === null
        ? canary.placedAt + settings.canaryPatienceMs
        : canary.startedAt + settings.fastMs
    const reason = `quarantined: ${quarantine.evidence}; ${canary.task} is being tried there`
    return { state: 'trying', reason, wakeAt, history }
  }
  const isNews = canary !== null || history.quarantine === null
  const kept = isNews ? { ...history, quarantine: { ...quarantine, canary: null } } : history
  const reason = `quarantined: ${quarantine.evidence}`
  if (now >= quarantine.tryAt) {
    const waits = `${reason}; the next task that fits is tried there alone`
    return { state: 'canary', reason: waits, wakeAt: null, history: kept }
  }
  return { state: 'paused', reason, wakeAt: quarantine.tryAt, history: kept }
}

type Sign = 'bad' | 'good' | 'none'

/** What a run's end says about its node. */
function signOf(end: RunEnd, settings: BreakerSettings): Sign {
  const fast = end.ranMs === null || end.ranMs < settings.fastMs
  switch (end.cause.kind) {
    case 'exit':
      if (end.cause.code === 0) return 'good'
      return fast ? 'bad' : 'good'
    case 'signal':
    case 'outcome-unknown':
      return fast ? 'bad' : 'none'
    case 'could-not-start':
      // A lost secret is missing on every node.
      return end.cause.call === 'secret' ? 'none' : 'bad'
    case 'time-limit':
      return fast ? 'none' : 'good'
    // Somebody's will, the job's own limits, or the loss of the whole node: no news about new work on it.
    case 'cancelled':
    case 'restarted':
    case 'drained':
    case 'node-lost':
    case 'lease-expired':
    case 'unhealthy':
    case 'out-of-memory':
    case 'dependency-failed':
      return 'none'
    default:
      return end.cause satisfies never
  }
}

/** Closed when enough owners failed in the window, and more of them than did well since the first failure. */
function firstQuarantine(
  ends: readonly RunEnd[],
  now: number,
  settings: BreakerSettings,
): Quarantine | null {
  const recent = ends.filter(({ at }) => at > now - settings.windowMs)
  const bad = recent.filter((end) => !end.repeated && signOf(end, settings) === 'bad')
  const [first] = bad
  const newest = bad.at(-1)
  const owners = new Set(bad.map(({ owner }) => owner))
  if (first === undefined || newest === undefined || owners.size < settings.owners) return null
  const well = new Set(
    recent
      .filter((end) => end.at >= first.at && signOf(end, settings) === 'good')
      .map(({ owner }) => owner),
  )
  if (well.size >= owners.size) return null
  const causes = [...new Set(bad.map(({ cause }) => inWords(cause)))].slice(0, 3).join(', ')
  const seconds = Math.max(1, Math.round((newest.at - first.at) / 1000))
  const evidence = `${bad.length} runs of ${owners.size} owners failed within ${seconds} s (${causes})`
  return { evidence, pauses: 1, tryAt: newest.at + settings.firstPauseMs, canary: null }
}

function pausedAgain(
  before: Quarantine,
  evidence: string,
  now: number,
  settings: BreakerSettings,
): Quarantine {
  const pauseMs = Math.min(settings.longestPauseMs, settings.firstPauseMs * 2 ** before.pauses)
  const [firstEvidence] = before.evidence.split('; ')
  return {
    evidence: `${firstEvidence}; ${evidence}`,
    pauses: before.pauses + 1,
    tryAt: now + pauseMs,
    canary: null,
  }
}

function inWords(cause: Cause): string {
  if (cause.kind === 'exit') return `exit ${cause.code}`
  if (cause.kind === 'signal') return cause.signal
  if (cause.kind === 'could-not-start') return `${cause.call}: ${cause.error}`
  return cause.kind
}
