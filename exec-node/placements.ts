/**
 * All placements of the node. Each is worked on by one turn at a time: fold in what was asked, look at its
 * run, decide, save the record, act. Nothing is acted on before its record is on disk.
 */

import type { Order, ReportReply } from '../proto/sync.ts'
import { overdue } from './core/lease.ts'
import { acknowledged, planOrder, stale, staleOnes, unwanted, withOrder } from './core/reconcile.ts'
import { currentRun, isEnded, isSingleCopy, parseRunKey, placementKey } from './core/record.ts'
import type { PlacementKey, PlacementRecord } from './core/record.ts'
import { newRecord, withFoundRun } from './core/record.ts'
import { quicker } from './core/stop-plan.ts'
import { newEntry, type Change, type Entry } from './entry.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { AgentOptions, AgentPorts } from './ports.ts'
import type { RunFacts } from './process/run-driver.ts'
import { Strangers } from './strangers.ts'
import { Tombstones } from './tombstones.ts'
import { Turns } from './turns.ts'

type ReplyAnswer = ReportReply['answers'][number]

export class Placements {
  readonly strangers: Strangers
  readonly #entries = new Map<PlacementKey, Entry>()
  readonly #byTask = new Map<string, Set<Entry>>()
  readonly #over: Tombstones
  readonly #turns: Turns
  readonly #ports: AgentPorts
  readonly #options: AgentOptions
  readonly #lease: LeaseKeeper
  /** Something that the scheduler should hear of. */
  onNews: () => void = () => {}
  onEntry: (entry: Entry) => void = () => {}

  constructor(ports: AgentPorts, options: AgentOptions, lease: LeaseKeeper) {
    this.#ports = ports
    this.#options = options
    this.#lease = lease
    this.strangers = new Strangers(ports)
    this.#over = new Tombstones(ports.clock)
    this.#turns = new Turns(ports, options, lease, {
      isBlocked: (entry) => this.#isBlocked(entry),
      changed: (entry) => {
        this.onEntry(entry)
        // That it was taken on is told with what comes of it, or with the next regular report.
        if (entry.record.version > 1) this.onNews()
      },
      ended: (entry) => this.#wakeTask(entry.task),
      forgotten: (entry) => this.#drop(entry),
    })
    this.strangers.onChange = () => {
      this.wakeAll()
      this.onNews()
    }
  }

  get entries(): Iterable<Entry> {
    return this.#entries.values()
  }

  get(task: string, epoch: number): Entry | undefined {
    return this.#entries.get(placementKey(task, epoch))
  }

  /** Takes over what an earlier start of the agent left: its records, and the runs that live on. */
  async adopt(records: readonly PlacementRecord[], runs: readonly RunFacts[]): Promise<void> {
    for (const record of records) this.#add(newEntry(record, true))
    for (const facts of runs) this.#adoptRun(facts)
    for (const [key, newer] of staleOnes(records)) {
      void this.#change(this.#entries.get(key), 'stale', (record) => stale(record, newer))
    }
    this.wakeAll()
  }

  /** Tells whether the orders are on disk. */
  async order(orders: readonly Order[]): Promise<boolean> {
    const saved: Promise<boolean>[] = []
    for (const order of orders) saved.push(...this.#order(order))
    return (await Promise.all(saved)).every(Boolean)
  }

  /** What the scheduler says to the placements of a report; resolves when its saving was tried. */
  async answers(answers: readonly ReplyAnswer[]): Promise<void> {
    await Promise.all(answers.map((answer) => this.#answer(answer)))
  }

  /** Ends every single-copy placement that outlived the lease, also if a new lease is at the door. */
  async expire(): Promise<void> {
    const late = overdue(this.#lease.lease, this.#ports.clock.uptime())
    if (late === null) return
    const cause = { kind: 'lease-expired', node: this.#options.node } as const
    const change: Change = (record) =>
      isEnded(record) || !isSingleCopy(record)
        ? record
        : { ...record, ending: quicker(record.ending, { cause, graceMs: late.leftMs }) }
    await Promise.all([...this.entries].map((entry) => this.#change(entry, 'expire', change)))
  }

  /** The driver saw something change. */
  noticeRun(key: string | null): void {
    const parts = key === null ? null : parseRunKey(key)
    if (parts === null) return this.wakeAll()
    const entry = this.get(parts.task, parts.epoch)
    if (entry !== undefined) this.#turns.wake(entry)
    else if (key !== null && this.strangers.has(key)) void this.strangers.refresh()
  }

  wake(entry: Entry): void {
    this.#turns.wake(entry)
  }

  wakeAll(): void {
    for (const entry of this.entries) if (!isEnded(entry.record)) this.#turns.wake(entry)
  }

  /** Ends the turns: whatever is under way finishes, nothing new begins. */
  async close(): Promise<void> {
    await this.#turns.close()
  }

  #adoptRun(facts: RunFacts): void {
    const parts = parseRunKey(facts.key)
    const entry = parts === null ? undefined : this.get(parts.task, parts.epoch)
    if (parts === null || entry === undefined) return this.strangers.add(facts)
    const run = entry.record.runs.find((known) => known.report.number === parts.run)
    if (run !== undefined && run === currentRun(entry.record)) entry.hint = facts
    else if (run === undefined && parts.run >= entry.record.nextRun) this.#takeRun(entry, parts.run)
    else if (facts.populated) this.strangers.add(facts)
    else void this.#turns.sweep.remove(entry, parts.run)
  }

  #takeRun(entry: Entry, run: number): void {
    const { bootId } = this.#options.facts
    void this.#change(entry, `run ${run}`, (record) => withFoundRun(record, run, bootId))
  }

  #order(order: Order): Promise<boolean>[] {
    const known = [...(this.#byTask.get(order.task) ?? [])]
    const plan = planOrder(order, {
      records: known.map((entry) => entry.record),
      strangers: this.strangers.epochs(order.task),
      overEpoch: this.#over.epoch(order.task),
    })
    if (plan.kind === 'ignore') {
      const { task, epoch } = order
      this.#ports.log.info({ event: 'order-ignored', task, epoch, detail: plan.why })
      return []
    }
    const saved: Promise<boolean>[] = []
    for (const epoch of plan.stale) {
      const older = this.get(order.task, epoch)
      saved.push(this.#change(older, 'stale', (record) => stale(record, order.epoch)))
      saved.push(this.strangers.stop(order.task, epoch).then(() => true))
    }
    if (plan.kind === 'create') this.#create(order)
    const own = this.get(order.task, order.epoch)
    saved.push(this.#change(own, 'order', (record) => withOrder(record, order)))
    return saved
  }

  #create(order: Order): void {
    this.#ports.driver.expectStart()
    const entry = newEntry(newRecord(order), false)
    this.#add(entry)
    const found = this.strangers.adopt(order.task, order.epoch)
    if (found !== null) this.#takeRun(entry, found.run)
  }

  async #answer({ task, epoch, version, then }: ReplyAnswer): Promise<void> {
    const entry = this.get(task, epoch)
    if (entry === undefined) {
      if (then === 'stop') await this.strangers.stop(task, epoch)
      if (then === 'forget') await this.strangers.forget(task, epoch)
      return
    }
    // That something was heard need not be on disk: after a restart it is said and heard again.
    const durable = then === 'stop'
    await this.#change(entry, { name: `answer ${then}`, durable }, (record) => {
      const next = acknowledged(record, version, entry.removed)
      if (then === 'keep') return next
      if (then === 'forget' && isEnded(record) && version >= record.version) entry.forget = true
      return unwanted(next)
    })
  }

  #change(
    entry: Entry | undefined,
    what: string | { name: string; durable: boolean },
    change: Change,
  ): Promise<boolean> {
    if (entry === undefined) return Promise.resolve(true)
    const { name, durable } = typeof what === 'string' ? { name: what, durable: true } : what
    return this.#turns.change(entry, { name, durable, change })
  }

  /** An older placement of the task may still have processes here, or a run that no record explains. */
  #isBlocked(entry: Entry): boolean {
    if (this.strangers.populated(entry.task)) return true
    for (const other of this.#byTask.get(entry.task) ?? []) {
      if (other !== entry && !isEnded(other.record)) return true
    }
    return false
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.key, entry)
    const own = this.#byTask.get(entry.task) ?? new Set()
    this.#byTask.set(entry.task, own.add(entry))
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key)
    const own = this.#byTask.get(entry.task)
    own?.delete(entry)
    if (own?.size === 0) this.#byTask.delete(entry.task)
    this.#over.add(entry.task, entry.record.order.epoch)
    this.onEntry(entry)
    this.#wakeTask(entry.task)
  }

  #wakeTask(task: string): void {
    for (const entry of this.#byTask.get(task) ?? []) this.#turns.wake(entry)
  }
}
