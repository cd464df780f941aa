/**
 * The streams of orders down to the nodes. What changed for a node is copied when a commit begins and sent when
 * it is on disk; specs, which memory does not keep, are fetched on the way.
 */
import { LRUCache } from 'lru-cache'

import type { JobSpec } from '../../proto/job.ts'
import type { Order, OrderLine, Revision } from '../../proto/sync.ts'
import { stopOf, placementOf, type Task } from '../core/task-state.ts'
import type { GridState } from '../state/grid.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { Store } from '../store/store.ts'
import type { OrderSink } from './door.ts'

/** The spec is that of this very commit where memory has it: a later edit may not be on disk yet. */
type Draft = Omit<Order, 'spec'> & { spec: JobSpec | null }
type Parcel = {
  node: string
  sink: OrderSink
  full: boolean
  revision: Revision
  drafts: Draft[]
}

/** Of specs of the greatest size this makes a line of 16 MiB. */
const ordersPerLine = 64
const noRestart = { count: 0, by: '', why: '' }

export class OrderDesk {
  readonly #state: GridState
  readonly #store: Store
  readonly #nudge: () => void
  readonly #sinks = new Map<string, OrderSink>()
  readonly #touched = new Map<string, Set<string>>()
  readonly #wantFull = new Set<string>()
  /** Specs of jobs just submitted are needed again soon. */
  readonly #specs = new LRUCache<number, JobSpec>({
    max: 500,
    maxSize: 2 ** 26,
    sizeCalculation: ({ command, env }) => {
      let size = 1
      for (const word of command) size += word.length
      for (const name in env) size += env[name]?.length ?? 0
      return size
    },
  })
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

  /** Every stream begins again with a full line, of a new incarnation. */
  beginAnew(): void {
    for (const node of this.#sinks.keys()) this.#wantFull.add(node)
    this.#nudge()
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

  /** From now on the node is another machine, or another start of its agent: a stream of any other ends. */
  changes(node: string, isSameMachine: boolean, session: string): void {
    const sink = this.#sinks.get(node)
    if (sink === undefined) return
    const opener = sink.session ?? null
    const isOther = opener === null ? !isSameMachine : opener !== session
    if (!isOther) return
    sink.close()
    this.#sinks.delete(node)
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
      const sink = this.#sinks.get(name)
      const full = this.#wantFull.has(name)
      // A stream may be there before the node's first report: its full line goes out after that.
      if (node === undefined || sink === undefined) continue
      // Not before it has said all that it runs, which a restored database may not know. And what counts is whose
      // reports are taken: a second machine under the name gets no orders.
      if (!node.synced || (sink.session ?? node.session) !== node.session) {
        this.#wantFull.add(name)
        continue
      }
      this.#wantFull.delete(name)
      const keys = full ? node.tasks : (this.#touched.get(name) ?? [])
      const drafts = [...keys]
        .map((key) => this.#draft(name, key))
        .filter((draft) => draft !== null)
      if (drafts.length === 0 && !full) continue
      // What does not fit into one line goes on in differences: absence from a list stops nothing.
      for (let from = 0; from === 0 || from < drafts.length; from += ordersPerLine) {
        node.counter += 1
        const revision = { incarnation: this.#state.incarnation, counter: node.counter }
        const part = drafts.slice(from, from + ordersPerLine)
        parcels.push({ node: name, sink, full: full && from === 0, revision, drafts: part })
      }
    }
    this.#touched.clear()
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
    if (placementOf(task.state)?.node !== node) return null
    return draftOf(found.job, task, this.#specs.get(found.job.id) ?? null)
  }

  #send(parcels: Parcel[]): void {
    // In order, whatever a look into the store takes.
    this.#sending = this.#sending
      .then(() => this.#sendNow(parcels))
      .catch(() => this.#closeAll(parcels))
  }

  async #sendNow(parcels: Parcel[]): Promise<void> {
    const missing = new Set(
      parcels.flatMap(({ drafts }) => drafts.flatMap(({ job, spec }) => (spec ? [] : [job]))),
    )
    const fetched = new Map<number, JobSpec>()
    if (missing.size > 0) {
      for (const { id, specJson } of await this.#store.query('specs', { jobs: [...missing] })) {
        const spec = JSON.parse(specJson) as JobSpec
        fetched.set(id, spec)
        // An edit may have come in the meantime.
        if (!this.#specs.has(id)) this.#specs.set(id, spec)
      }
    }
    for (const parcel of parcels) {
      // A stream that began meanwhile begins with a line of its own.
      if (this.#sinks.get(parcel.node) === parcel.sink)
        parcel.sink.send(this.#line(parcel, fetched))
    }
  }

  #line({ full, revision, drafts }: Parcel, specs: Map<number, JobSpec>): OrderLine {
    const orders = drafts.flatMap((draft): Order[] => {
      const spec = draft.spec ?? specs.get(draft.job)
      return spec ? [{ ...draft, spec }] : []
    })
    const { grid } = this.#state
    return full
      ? { kind: 'full', grid, revision, orders }
      : { kind: 'diff', grid, revision, base: revision.counter - 1, orders }
  }

  /** A stream that missed a line must begin anew with a full one. */
  #closeAll(parcels: Parcel[]): void {
    for (const { node, sink } of parcels) {
      sink.close()
      if (this.#sinks.get(node) === sink) this.#sinks.delete(node)
    }
  }
}

function draftOf(job: LiveJob, task: Task, spec: JobSpec | null): Draft | null {
  const placement = placementOf(task.state)
  if (placement === null) return null
  const stop = stopOf(task.state)
  const want: Order['want'] = stop
    ? { kind: 'stop', cause: stop.cause, graceMs: stop.graceMs }
    : { kind: task.suspend ? 'suspend' : 'run' }
  return {
    task: `${job.id}.${task.index}`,
    epoch: placement.epoch,
    owner: job.owner,
    job: job.id,
    index: task.index,
    firstRun: placement.firstRun,
    want,
    restart: job.restartOrder ?? noRestart,
    ...(job.dueAt === null ? {} : { dueAt: job.dueAt }),
    spec,
  }
}
