/**
 * The overlap gate that every firing of a schedule passes, due or manual: start, wait, or be skipped.
 *
 * `replace` tells the live jobs to stop and waits, so that the new one starts when they are gone: at no
 * moment do two run. One that arrives while another waits for that is skipped, as with `queue`.
 */
import type { JobId, Millis } from '../../../proto/ids.ts'
import { withOne } from '../with-one.ts'
import type { FiringCaps, ScheduleFacts, Start, Waiting } from './firing.ts'
import { blownBy } from './fuse.ts'
import type { Ledger } from './ledger.ts'
import { stableHash } from './stable-hash.ts'

type Arrival = { dueAt: Millis; manual: boolean; catchUp: boolean }
type Verdict = { kind: 'start' } | { kind: 'queue' | 'replace' | 'skip'; why: string }

const none: readonly never[] = []

/** A class, not a bundle of closures: one is made for each of thousands of schedules that are due at once. */
export class Gate {
  readonly #facts: ScheduleFacts
  readonly #nowMs: Millis
  readonly #caps: FiringCaps
  readonly #ledger: Ledger
  #starts: readonly Start[] = none
  #stop: readonly JobId[] = none
  #queue: readonly Waiting[]
  #fuse: string | null = null

  constructor(facts: ScheduleFacts, nowMs: Millis, caps: FiringCaps, ledger: Ledger) {
    this.#facts = facts
    this.#nowMs = nowMs
    this.#caps = caps
    this.#ledger = ledger
    this.#queue = facts.queue
  }

  /** Starts what waits, as far as it may. */
  drain(): void {
    const { paused, overlap } = this.#facts
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const resting = paused !== null && !head.manual
      if (resting || (overlap !== 'allow' && this.#isBusy()) || this.#blown(false) !== null) return
      this.#queue = this.#queue.slice(1)
      this.#start(head, true)
    }
  }

  admit(arrival: Arrival): void {
    const verdict = this.#judge(arrival)
    if (verdict.kind === 'start') this.#start(arrival, false)
    if (verdict.kind === 'queue') this.#queue = [...this.#queue, { ...arrival, replaces: false }]
    if (verdict.kind === 'replace') {
      this.#queue = [{ ...arrival, replaces: true }, ...this.#queue]
      this.#stop = [...this.#stop, ...this.#facts.liveJobs]
    }
    const why = verdict.kind === 'start' ? startWhy(arrival) : verdict.why
    this.#ledger.add(arrival.dueAt, outcomeOf[verdict.kind], why, arrival.manual)
  }

  close(): {
    starts: readonly Start[]
    stop: readonly JobId[]
    queue: readonly Waiting[]
    fuse: string | null
  } {
    return { starts: this.#starts, stop: this.#stop, queue: this.#queue, fuse: this.#fuse }
  }

  #isBusy(): boolean {
    return this.#facts.liveJobs.length + this.#starts.length > 0
  }

  #blown(onTime: boolean): string | null {
    const { recentStarts } = this.#facts
    if (recentStarts.length + this.#starts.length === 0) return null
    const why = blownBy([...recentStarts, ...this.#starts], onTime, this.#caps.fuse)
    this.#fuse ??= why
    return why
  }

  #start(arrival: Arrival, fromQueue: boolean): void {
    const runAt = runTime(this.#facts, arrival, fromQueue, this.#nowMs)
    const onTime = !fromQueue && isOnTime(arrival)
    const { dueAt, manual } = arrival
    this.#starts = withOne(this.#starts, { dueAt, manual, runAt, fromQueue, onTime })
  }

  #judge(arrival: Arrival): Verdict {
    const { catchUp, overlap } = this.#facts
    const why = this.#blown(isOnTime(arrival))
    if (why !== null) return { kind: arrival.catchUp && catchUp === 'all' ? 'queue' : 'skip', why }
    if (overlap === 'allow' || !this.#isBusy()) return starting
    return judgeBusy(this.#facts, arrival, this.#starts, this.#queue[0])
  }
}

const starting: Verdict = { kind: 'start' }
const outcomeOf = { start: 'ran', queue: 'queued', replace: 'queued', skip: 'skipped' } as const

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
  const delayMs =
    facts.jitterMs === 0
      ? 0
      : stableHash('jitter', facts.owner, facts.name, arrival.dueAt) % (facts.jitterMs + 1)
  return arrival.catchUp ? nowMs + delayMs : Math.max(nowMs, arrival.dueAt + delayMs)
}
