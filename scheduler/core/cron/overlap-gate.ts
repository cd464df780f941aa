/**
 * The overlap gate that every firing of a schedule passes, due or manual: start, wait, or be skipped.
 *
 * `replace` tells the live jobs to stop and waits, so that the new one starts when they are gone: at no
 * moment do two run. One that arrives while another waits for that is skipped, as with `queue`.
 */
import type { JobId, Millis } from '../../../proto/ids.ts'
import type { FiringCaps, ScheduleFacts, Start, Waiting } from './firing.ts'
import { blownBy } from './fuse.ts'
import type { Ledger } from './ledger.ts'
import { stableHash } from './stable-hash.ts'

type Arrival = { dueAt: Millis; manual: boolean; catchUp: boolean }
type Verdict = { kind: 'start' } | { kind: 'queue' | 'replace' | 'skip'; why: string }

export type Gate = {
  /** Starts what waits, as far as it may. */
  drain(): void
  admit(arrival: Arrival): void
  close(): {
    starts: readonly Start[]
    stop: readonly JobId[]
    queue: readonly Waiting[]
    fuse: string | null
  }
}

export function openGate(
  facts: ScheduleFacts,
  nowMs: Millis,
  caps: FiringCaps,
  ledger: Ledger,
): Gate {
  const starts: Start[] = []
  const stop: JobId[] = []
  const queue: Waiting[] = [...facts.queue]

  const isBusy = (): boolean => facts.liveJobs.length + starts.length > 0
  let fuse: string | null = null
  const blown = (onTime: boolean): string | null => {
    const why = blownBy([...facts.recentStarts, ...starts], onTime, caps.fuse)
    fuse ??= why
    return why
  }

  function start(arrival: Arrival, fromQueue: boolean): void {
    const runAt = runTime(facts, arrival, fromQueue, nowMs)
    const onTime = !fromQueue && isOnTime(arrival)
    starts.push({ dueAt: arrival.dueAt, manual: arrival.manual, runAt, fromQueue, onTime })
  }

  function judge(arrival: Arrival): Verdict {
    const why = blown(isOnTime(arrival))
    if (why !== null)
      return { kind: arrival.catchUp && facts.catchUp === 'all' ? 'queue' : 'skip', why }
    if (facts.overlap === 'allow' || !isBusy()) return { kind: 'start' }
    return judgeBusy(facts, arrival, starts, queue[0])
  }

  return {
    drain() {
      for (let head = queue[0]; head !== undefined; head = queue[0]) {
        const resting = facts.paused !== null && !head.manual
        if (resting || (facts.overlap !== 'allow' && isBusy()) || blown(false) !== null) return
        queue.shift()
        start(head, true)
      }
    },
    admit(arrival) {
      const verdict = judge(arrival)
      if (verdict.kind === 'start') start(arrival, false)
      if (verdict.kind === 'queue') queue.push({ ...arrival, replaces: false })
      if (verdict.kind === 'replace') {
        queue.unshift({ ...arrival, replaces: true })
        stop.push(...facts.liveJobs)
      }
      const outcome = { start: 'ran', queue: 'queued', replace: 'queued', skip: 'skipped' } as const
      const why = verdict.kind === 'start' ? startWhy(arrival) : verdict.why
      ledger.add(arrival.dueAt, outcome[verdict.kind], why, arrival.manual)
    },
    close: () => ({ starts, stop, queue, fuse }),
  }
}

const isOnTime = ({ manual, catchUp }: Arrival): boolean => !manual && !catchUp

/** Something of the schedule is live, and overlap is not allowed. */
function judgeBusy(
  facts: ScheduleFacts,
  arrival: Arrival,
  starts: readonly Start[],
  head: Waiting | undefined,
): Verdict {
  const busy = whatIsLive(facts.liveJobs, starts)
  if (arrival.catchUp && facts.catchUp === 'all') {
    return { kind: 'queue', why: `catch-up runs one after another, and ${busy}` }
  }
  const waits = head === undefined ? null : `${named(head)} already waits, and ${busy}`
  if (facts.overlap === 'forbid') return { kind: 'skip', why: `overlap is forbidden, and ${busy}` }
  if (facts.overlap === 'queue') {
    return waits === null ? { kind: 'queue', why: busy } : { kind: 'skip', why: waits }
  }
  if (head?.replaces === true) return { kind: 'skip', why: waits ?? busy }
  if (starts.length > 0) return { kind: 'skip', why: busy }
  return { kind: 'replace', why: `replaces: ${busy}, told to stop` }
}

function startWhy(arrival: Arrival): string {
  if (arrival.manual) return 'asked for by hand'
  return arrival.catchUp ? 'caught up: it was missed' : 'due'
}

function whatIsLive(jobs: readonly JobId[], starts: readonly Start[]): string {
  const first = jobs[0]
  if (first === undefined) return `${named(starts[0]!)} just started`
  return jobs.length === 1 ? `job ${first} is live` : `jobs ${jobs.join(', ')} are live`
}

const named = (firing: { dueAt: Millis; manual: boolean }): string =>
  `the ${firing.manual ? 'manual run' : 'firing'} of ${new Date(firing.dueAt).toISOString()}`

/** On time: the due time plus its jitter. Caught up: now plus its jitter, which spreads the herd. */
function runTime(
  facts: ScheduleFacts,
  arrival: Arrival,
  fromQueue: boolean,
  nowMs: Millis,
): Millis {
  if (arrival.manual || (fromQueue && !arrival.catchUp)) return nowMs
  const span = facts.jitterMs + 1
  const delayMs = stableHash('jitter', facts.owner, facts.name, arrival.dueAt) % span
  return arrival.catchUp ? nowMs + delayMs : Math.max(nowMs, arrival.dueAt + delayMs)
}
