/** The turns of placements, one at a time for each: look, decide, save, act. */
import type { RunReport } from '../proto/sync.ts'
import { act, warn } from './act.ts'
import { outcomeOf } from './core/outcome.ts'
import { currentRun, isEnded, runKey } from './core/record.ts'
import type { PlacementRecord } from './core/record.ts'
import { step, type Step } from './core/run-machine.ts'
import type { Entry, Pending } from './entry.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { AgentOptions, AgentPorts } from './ports.ts'
import type { RunFacts } from './process/run-driver.ts'
import { Sweep } from './sweep.ts'

export type TurnListener = {
  isBlocked(entry: Entry): boolean
  changed(entry: Entry): void
  ended(entry: Entry): void
  forgotten(entry: Entry): void
}

/** After something that failed and may work again. */
const retryMs = 1_000
/** An end is told without its last output when that cannot be read within this time. */
const tailWaitMs = 5_000

export class Turns {
  readonly #ports: AgentPorts
  readonly #options: AgentOptions
  readonly #lease: LeaseKeeper
  readonly #listener: TurnListener
  readonly sweep: Sweep
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor(
    ports: AgentPorts,
    options: AgentOptions,
    lease: LeaseKeeper,
    listener: TurnListener,
  ) {
    this.#ports = ports
    this.#options = options
    this.#lease = lease
    this.#listener = listener
    this.sweep = new Sweep(ports, (entry) => this.wake(entry))
  }

  /** Tells whether the changed record is on disk; where not, it is tried again, but nobody waits for it. */
  change(entry: Entry, asked: Omit<Pending, 'settle' | 'failed'>): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    return new Promise((settle) => {
      entry.pending = entry.pending.filter((other) => !other.failed || other.name !== asked.name)
      entry.pending.push({ ...asked, settle, failed: false })
      this.wake(entry)
    })
  }

  wake(entry: Entry): void {
    entry.dirty = true
    if (entry.busy || this.#closed) return
    entry.busy = true
    this.#track(this.#work(entry))
  }

  #track(running: Promise<void>): void {
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.sweep.close()
    await Promise.all(this.#running)
  }

  async #work(entry: Entry): Promise<void> {
    while (entry.dirty && !this.#closed) {
      entry.dirty = false
      entry.cancelWake()
      try {
        const wakeInMs = await this.#turn(entry)
        if (wakeInMs !== null) this.#wakeLater(entry, wakeInMs)
      } catch (error) {
        warn(entry, this.#ports, 'turn-failed', error)
        this.#wakeLater(entry, retryMs)
      }
    }
    entry.busy = false
    if (this.#closed) for (const { settle } of entry.pending) settle(false)
  }

  #wakeLater(entry: Entry, delayMs: number): void {
    entry.cancelWake = this.#ports.clock.after(delayMs, () => this.wake(entry))
  }

  async #turn(entry: Entry): Promise<number | null> {
    const asked = entry.pending.splice(0)
    const next = await this.#decide(entry, asked).catch((error: unknown) => {
      // What was asked is not on disk: it is asked again in the next turn.
      const newer = new Set(entry.pending.map(({ name }) => name))
      const still = asked.filter(({ name }) => !newer.has(name))
      entry.pending.unshift(...still.map((one) => ({ ...one, failed: true })))
      for (const { settle } of asked) settle(false)
      throw error
    })
    for (const { settle } of asked) settle(true)
    return this.#act(entry, next)
  }

  async #decide(entry: Entry, asked: Entry['pending']): Promise<Step> {
    const record = asked.reduce((sofar, { change }) => change(sofar), entry.record)
    const seen = await this.#look(entry, record)
    const tail = await this.#tail(record, seen)
    const next = step(record, entry.asked, this.#around(entry, record, seen, tail))
    const durable = asked.some((one) => one.durable) || next.record !== record
    await this.#save(entry, next, durable)
    entry.seen = seen
    return next
  }

  async #look(entry: Entry, record: PlacementRecord): Promise<RunFacts | null> {
    const run = currentRun(record)
    const { hint } = entry
    entry.hint = null
    if (run === null) return null
    const key = runKey(record, run.report.number)
    return hint?.key === key ? hint : this.#ports.driver.facts(key)
  }

  async #tail(record: PlacementRecord, seen: RunFacts | null): Promise<RunReport['tail']> {
    const run = currentRun(record)
    if (run === null || seen === null) return null
    const outcome = outcomeOf(run, seen, this.#where)
    if (outcome.kind !== 'over') return null
    const { cause } = outcome
    // The file of a task that went well is its owner's, and nobody has to ask what happened.
    const well = cause.kind === 'exit' && cause.code === 0
    if (well && record.order.spec.kind === 'task') return null
    return this.#inTime(this.#ports.output.tail(record.order, seen))
  }

  /** Orders and reports wait for turns, and no turn for an owner's file system. */
  #inTime<T>(asked: Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(tailWaitMs, () => resolve(null))
      void asked
        .catch(() => null)
        .then((answer) => {
          cancel()
          resolve(answer)
        })
    })
  }

  get #where() {
    return { node: this.#options.node, bootId: this.#options.facts.bootId }
  }

  #around(
    entry: Entry,
    record: PlacementRecord,
    seen: RunFacts | null,
    tail: RunReport['tail'],
  ): Parameters<typeof step>[2] {
    const { clock, random } = this.#ports
    const run = currentRun(record)?.report.number
    return {
      ...this.#where,
      now: clock.now(),
      uptimeMs: clock.uptime(),
      random: random(),
      lease: this.#lease.lease,
      answered: this.#lease.answered,
      blocked: this.#listener.isBlocked(entry),
      seen,
      startFailure: entry.startFailure,
      unhealthy: entry.unhealthy?.run === run ? entry.unhealthy : null,
      healthy: entry.healthy,
      tail,
    }
  }

  async #save(entry: Entry, next: Step, durable: boolean): Promise<void> {
    if (entry.onDisk && (next.record === entry.record || !durable)) {
      Object.assign(entry, { record: next.record, asked: next.asked })
      return
    }
    try {
      await this.#ports.spool.save(next.record)
    } catch (error) {
      // A full disk must not keep a job running that shall end: a stop can be derived again.
      for (const action of next.actions)
        if (action.kind === 'stop') await act(entry, action, this.#ports)
      throw error
    }
    const before = entry.record
    const news = !entry.onDisk || next.record.version !== before.version
    Object.assign(entry, { record: next.record, onDisk: true, asked: next.asked })
    if (news) this.#listener.changed(entry)
    if (!isEnded(before) && isEnded(next.record)) this.#listener.ended(entry)
  }

  async #act(entry: Entry, next: Step): Promise<number | null> {
    for (const action of next.actions) {
      const againInMs = await act(entry, action, this.#ports)
      if (againInMs !== null) return againInMs
    }
    if (next.actions.some((action) => action.kind !== 'stop')) entry.dirty = true
    if (!this.sweep.isClean(entry)) this.#track(this.sweep.begin(entry))
    else if (entry.forget) {
      await this.#ports.spool.remove(entry.key)
      this.#listener.forgotten(entry)
      return null
    }
    return next.wakeInMs
  }
}
