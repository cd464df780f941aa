/**
 * Gathers changes while the commit before them is under way, and commits them together. What was touched is
 * copied to rows when a commit begins; whoever wants to leave the process waits for `settled`.
 */
import type { Task } from '../core/task-state.ts'
import type { LiveJob } from '../state/live-job.ts'
import { storedNode, type LiveNode } from '../state/live-node.ts'
import type { Change, EventRow } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import { jobRow, taskRow } from './rows.ts'

type Waiter = { upTo: number; resolve: () => void; reject: (error: Error) => void }

/** Whether a row of a job has changed since the watch began. */
export type Watch = { hasChanged(): boolean; end(): void }

/** Called when a commit begins; what it returns is called when that commit is on disk. */
export type Companion = () => (() => void) | null

export class Journal {
  readonly #store: Store
  readonly #onFailure: (error: Error) => void
  readonly #companions: Companion[] = []
  readonly #preludes: (() => void)[] = []
  readonly #eventListeners = new Set<(events: readonly EventRow[]) => void>()
  readonly #watches = new Set<{ job: number; hasChanged: boolean }>()
  #jobs = new Map<LiveJob, string | null>()
  #tasks = new Map<string, Task>()
  /** With whether rows of it may be stored already. */
  #ranges = new Map<LiveJob, boolean>()
  #nodes = new Set<LiveNode>()
  #removedNodes = new Set<string>()
  #other: Change[] = []
  #events: EventRow[] = []
  #waiters: Waiter[] = []
  /** Number of the newest change gathered, and of the newest on disk. */
  #gathered = 0
  #settled = 0
  #working = false
  #failure: Error | null = null

  constructor(store: Store, onFailure: (error: Error) => void) {
    this.#store = store
    this.#onFailure = onFailure
  }

  /** A spec is given once, when the job is new or edited. */
  job(job: LiveJob, specJson: string | null = null): void {
    this.#jobs.set(job, specJson ?? this.#jobs.get(job) ?? null)
    this.#touched(job.id)
  }

  /** Of an array; a plain job has no ranges. */
  ranges(job: LiveJob): void {
    if (job.array === null) return
    if (!this.#ranges.has(job)) this.#ranges.set(job, true)
    this.#touched(job.id)
  }

  newRanges(job: LiveJob): void {
    if (job.array === null) return
    this.#ranges.set(job, false)
    this.#touched(job.id)
  }

  task(task: Task): void {
    this.#tasks.set(`${task.job}.${task.index}`, task)
    this.#touched(task.job)
  }

  node(node: LiveNode): void {
    this.#nodes.add(node)
    this.#touched()
  }

  /** It may join again before this is on disk, and then it is there. */
  removeNode(node: LiveNode): void {
    this.#nodes.delete(node)
    this.#removedNodes.add(node.name)
    this.#touched()
  }

  change(change: Change): void {
    this.#other.push(change)
    this.#touched('put' in change && change.put === 'run' ? change.row.job : null)
  }

  event(row: EventRow): void {
    this.#events.push(row)
    this.#touched()
  }

  /** Begins a commit even where no row changed: for what must go out in order with the others. */
  nudge(): void {
    this.#touched()
  }

  /** Resolves when all that was gathered up to now is on disk. */
  settled(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (this.#settled >= this.#gathered) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ upTo: this.#gathered, resolve, reject })
    })
  }

  /** Called before a commit begins: what it changes goes into that commit. */
  precede(prelude: () => void): void {
    this.#preludes.push(prelude)
  }

  accompany(companion: Companion): void {
    this.#companions.push(companion)
  }

  onEvents(listener: (events: readonly EventRow[]) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  watch(job: number): Watch {
    const watch = { job, hasChanged: false }
    this.#watches.add(watch)
    return {
      hasChanged: () => watch.hasChanged,
      end: () => void this.#watches.delete(watch),
    }
  }

  #touched(job: number | null = null): void {
    if (this.#watches.size > 0)
      for (const watch of this.#watches) watch.hasChanged ||= watch.job === job
    this.#gathered += 1
    if (!this.#working && !this.#failure) this.#begin()
  }

  #begin(): void {
    this.#working = true
    // After the present turn with all its promises: a command and its idempotency record go into one commit.
    setImmediate(() => void this.#work())
  }

  async #work(): Promise<void> {
    for (const prelude of this.#preludes) prelude()
    const upTo = this.#gathered
    const events = this.#events
    const changes = this.#take()
    const afterwards = this.#companions.map((companion) => companion())
    try {
      if (changes.length > 0) await this.#store.commit(changes)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
      return
    }
    this.#settled = upTo
    for (const call of afterwards) call?.()
    if (events.length > 0) for (const listener of this.#eventListeners) listener(events)
    this.#release()
    this.#working = false
    if (this.#settled < this.#gathered) this.#begin()
  }

  /** All that is to be written now, jobs first; the gathering begins anew. */
  #take(): Change[] {
    const changes: Change[] = []
    for (const [job, specJson] of this.#jobs) {
      changes.push({ put: 'job', row: jobRow(job, specJson) })
    }
    for (const [job, stored] of this.#ranges) {
      if (stored) changes.push({ drop: 'ranges', job: job.id })
      for (const [from, to] of job.untouched.stretches)
        changes.push({ put: 'range', row: { job: job.id, from, to } })
    }
    for (const task of this.#tasks.values()) changes.push({ put: 'task', row: taskRow(task) })
    for (const name of this.#removedNodes) changes.push({ drop: 'node', name })
    for (const node of this.#nodes) {
      changes.push({
        put: 'node',
        row: { name: node.name, dataJson: JSON.stringify(storedNode(node)) },
      })
    }
    // Not spread: a batch may have more rows than a call may have arguments.
    for (const change of this.#other) changes.push(change)
    for (const row of this.#events) changes.push({ put: 'event', row })
    this.#jobs = new Map()
    this.#ranges = new Map()
    this.#tasks = new Map()
    this.#nodes = new Set()
    this.#removedNodes = new Set()
    this.#other = []
    this.#events = []
    return changes
  }

  #release(): void {
    const ready = this.#waiters.filter((waiter) => waiter.upTo <= this.#settled)
    this.#waiters = this.#waiters.filter((waiter) => waiter.upTo > this.#settled)
    for (const waiter of ready) waiter.resolve()
  }

  #fail(error: Error): void {
    this.#failure = error
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters = []
    this.#onFailure(error)
  }
}
