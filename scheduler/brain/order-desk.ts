/**
 * The streams of orders down to the nodes. What changed for a node is copied when a commit begins and sent when
 * it is on disk; specs, which memory does not keep, are fetched on the way.
 */
import { LRUCache } from 'lru-cache'

import type { JobSpec } from '../../proto/job.ts'
import type { Order, OrderLine } from '../../proto/sync.ts'
import { stopOf, placementOf, type Task } from '../core/task-state.ts'
import type { GridState } from '../state/grid.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { Store } from '../store/store.ts'
import type { OrderSink } from './door.ts'

type Draft = Omit<Order, 'spec'>
type Parcel = { node: string; full: boolean; counter: number; drafts: Draft[] }

const noRestart = { count: 0, by: '', why: '' }

export class OrderDesk {
  readonly #state: GridState
  readonly #store: Store
  readonly #nudge: () => void
  readonly #sinks = new Map<string, OrderSink>()
  readonly #touched = new Map<string, Set<string>>()
  readonly #wantFull = new Set<string>()
  /** Specs of jobs just submitted are needed again soon. */
  readonly #specs = new LRUCache<number, JobSpec>({ max: 2_000 })
  #sending: Promise<void> = Promise.resolve()

  constructor(state: GridState, store: Store, nudge: () => void) {
    this.#state = state
    this.#store = store
    this.#nudge = nudge
  }

  /** Something about this task changed that its node may have to know. */
  touch(node: string, key: string): void {
    if (!this.#sinks.has(node)) return
    const keys = this.#touched.get(node)
    if (keys) keys.add(key)
    else this.#touched.set(node, new Set([key]))
  }

  remember(job: number, spec: JobSpec): void {
    this.#specs.set(job, spec)
  }

  forgetSpec(job: number): void {
    this.#specs.delete(job)
  }

  /** A second stream of a node takes the place of the first. */
  attach(node: string, sink: OrderSink): () => void {
    this.#sinks.get(node)?.close()
    this.#sinks.set(node, sink)
    this.#wantFull.add(node)
    this.#nudge()
    return () => {
      if (this.#sinks.get(node) === sink) this.#sinks.delete(node)
    }
  }

  sinkOf(node: string): OrderSink | null {
    return this.#sinks.get(node) ?? null
  }

  /** Copies what is to be said now; the returned call sends it. */
  collect(): (() => void) | null {
    if (this.#touched.size === 0 && this.#wantFull.size === 0) return null
    const parcels: Parcel[] = []
    for (const name of new Set([...this.#wantFull, ...this.#touched.keys()])) {
      const node = this.#state.nodes.get(name)
      const full = this.#wantFull.has(name)
      if (node === undefined) continue
      const keys = full ? node.tasks : (this.#touched.get(name) ?? [])
      const drafts = [...keys]
        .map((key) => this.#draft(name, key))
        .filter((draft) => draft !== null)
      if (drafts.length === 0 && !full) continue
      node.counter += 1
      parcels.push({ node: name, full, counter: node.counter, drafts })
    }
    this.#touched.clear()
    this.#wantFull.clear()
    return parcels.length === 0 ? null : () => this.#send(parcels)
  }

  /** The whole spec of a live job. */
  async specOf(job: number): Promise<JobSpec | null> {
    const known = this.#specs.get(job)
    if (known) return known
    const [found] = await this.#store.query('specs', { jobs: [job] })
    return found ? (JSON.parse(found.specJson) as JobSpec) : null
  }

  /** Waits until all that was collected is handed to the streams. */
  sent(): Promise<void> {
    return this.#sending
  }

  #draft(node: string, key: string): Draft | null {
    const found = this.#state.findTaskByKey(key)
    const task = found?.job.tasks?.get(found.index)
    if (!found || !task) return null
    return placementOf(task.state)?.node === node ? draftOf(found.job, task) : null
  }

  #send(parcels: Parcel[]): void {
    // In order, whatever a look into the store takes.
    this.#sending = this.#sending
      .then(() => this.#sendNow(parcels))
      .catch(() => this.#closeAll(parcels))
  }

  async #sendNow(parcels: Parcel[]): Promise<void> {
    const jobs = new Set(parcels.flatMap(({ drafts }) => drafts.map(({ job }) => job)))
    const missing = [...jobs].filter((job) => !this.#specs.has(job))
    const fetched = new Map<number, JobSpec>()
    for (const job of jobs) {
      const spec = this.#specs.get(job)
      if (spec) fetched.set(job, spec)
    }
    if (missing.length > 0) {
      for (const { id, specJson } of await this.#store.query('specs', { jobs: missing })) {
        const spec = JSON.parse(specJson) as JobSpec
        fetched.set(id, spec)
        this.#specs.set(id, spec)
      }
    }
    for (const parcel of parcels) this.#sinks.get(parcel.node)?.send(this.#line(parcel, fetched))
  }

  #line({ full, counter, drafts }: Parcel, specs: Map<number, JobSpec>): OrderLine {
    const orders = drafts.flatMap((draft): Order[] => {
      const spec = specs.get(draft.job)
      return spec ? [{ ...draft, spec }] : []
    })
    const revision = { incarnation: this.#state.incarnation, counter }
    const { grid } = this.#state
    return full
      ? { kind: 'full', grid, revision, orders }
      : { kind: 'diff', grid, revision, base: counter - 1, orders }
  }

  /** A stream that missed a line must begin anew with a full one. */
  #closeAll(parcels: Parcel[]): void {
    for (const { node } of parcels) {
      this.#sinks.get(node)?.close()
      this.#sinks.delete(node)
    }
  }
}

function draftOf(job: LiveJob, task: Task): Draft | null {
  const placement = placementOf(task.state)
  if (placement === null) return null
  const stop = stopOf(task.state)
  const suspend = task.suspend || job.wanted.what === 'suspend'
  const want: Order['want'] = stop
    ? { kind: 'stop', cause: stop.cause, graceMs: stop.graceMs }
    : { kind: suspend ? 'suspend' : 'run' }
  return {
    task: `${job.id}.${task.index}`,
    epoch: placement.epoch,
    owner: job.owner,
    job: job.id,
    index: task.index,
    firstRun: placement.firstRun,
    want,
    restart: job.restartOrder ?? noRestart,
  }
}
