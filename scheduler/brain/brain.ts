/** The brain: synchronous commands over the state in memory; every answer waits for its commit. */
import type { RouteName } from '../../proto/api.ts'
import type { Role } from '../../proto/rights.ts'
import type { Answer, Ask } from '../../proto/sync.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { startClock } from '../core/cron/clock-guard.ts'
import { RequestRates } from '../core/rate.ts'
import { GridState } from '../state/grid.ts'
import type { EventRow, ReplyRow, Snapshot, TokenRow } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import { AskDesk } from './ask-desk.ts'
import type { BrainContext, BrainSettings } from './context.ts'
import type { BrainDoor, OrderSink } from './door.ts'
import { reserveAgain } from './drains.ts'
import { finishJob } from './finish.ts'
import { gauges } from './gauges.ts'
import { GroupWatch } from './groups.ts'
import { makeHandlers } from './handlers.ts'
import { Journal } from './journal.ts'
import { Judge } from './judge.ts'
import { stateLoader } from './load.ts'
import { Maintenance } from './maintenance.ts'
import { forgetOldKey, joinNode, type Join } from './node-identity.ts'
import { offerNode } from './node-offer.ts'
import { OrderDesk } from './order-desk.ts'
import { admitRequest, quotaBook } from './quota.ts'
import { ReplyMemory } from './reply-memory.ts'
import { jumpIfRestored } from './restored.ts'
import { couldOn } from './roles.ts'
import { onScheduledJobEnded } from './schedule-firing.ts'
import { loadShareTree } from './share-weights.ts'
import { restoreShares } from './shares.ts'
import { refreshWaiting } from './tasks.ts'
import { Ticker } from './tick.ts'

/** What still works when the disk is full: it makes room, or moves work off a node that fails. */
const takenFromReserve: ReadonlySet<RouteName> = new Set<RouteName>([
  'stopJobs',
  'drainNode',
  'report',
  'prove',
])

export type BrainOptions = {
  store: Store
  clock: Clock
  log: Log
  settings: BrainSettings
  /** Names a new grid; an existing database keeps its own. */
  newGridId: () => string
  /** A commit failed: the process must end and start again from the store. */
  onFailure: (error: Error) => void
  /** Why the store cannot be written: then it is served for reading only. */
  readOnly?: string | null
}

export class Brain implements BrainDoor {
  readonly handlers: BrainDoor['handlers']
  readonly #ctx: BrainContext
  readonly #journal: Journal
  readonly #orders: OrderDesk
  readonly #asks: AskDesk
  readonly #judge: Judge
  readonly #ticker: Ticker
  readonly #replies: ReplyMemory
  readonly #maintenance: Maintenance
  readonly #groups: GroupWatch
  #readOnly: string | null = null

  private constructor(options: BrainOptions, state: GridState, snapshot: Snapshot) {
    const { store, clock, log, settings } = options
    this.#journal = new Journal(store, (error) => options.onFailure(error))
    this.#orders = new OrderDesk(state, store, () => this.#journal.nudge())
    this.#journal.accompany(() => this.#orders.collect())
    const wake = (): void => this.#ticker.wake()
    const { journal, orders } = { journal: this.#journal, orders: this.#orders }
    this.#ctx = {
      state,
      journal,
      store,
      clock,
      log,
      settings,
      orders,
      judging: { since: null, lookedAt: null },
      quotas: quotaBook(settings.quota, snapshot.quotas),
      rates: new RequestRates(),
      wake,
      room: { isShort: false },
      wallClock: { guard: startClock({ wallMs: clock.now(), monotonicMs: clock.uptime() }) },
      finishWaiters: new Map(),
      endings: [],
      follow: {
        jobOver: (job) => finishJob(this.#ctx, job),
        firingOver: (job) => onScheduledJobEnded(this.#ctx, job),
      },
    }
    this.#asks = new AskDesk(clock, orders, (node) => state.nodeKeys.has(node))
    this.#judge = new Judge(this.#ctx)
    this.#ticker = new Ticker(this.#ctx, this.#judge)
    this.#journal.precede(() => this.#ticker.catchUp())
    this.#readOnly = options.readOnly ?? null
    const writes = this.#readOnly === null ? journal : null
    this.#replies = new ReplyMemory(writes, snapshot, () => clock.now())
    this.#maintenance = new Maintenance(this.#ctx)
    this.#groups = new GroupWatch(this.#ctx)
    this.handlers = makeHandlers(this.#ctx, this.#asks)
    this.#load(snapshot, options.newGridId)
    loadShareTree(this.#ctx, snapshot.meta['shareTree'])
    restoreShares(this.#ctx, snapshot.shares)
  }

  static async open(options: BrainOptions): Promise<Brain> {
    const state = new GridState(options.settings.shareHalfLifeMs)
    state.shares.advance(options.clock.uptime())
    const loader = stateLoader(state)
    const snapshot = await options.store.load(loader.take)
    loader.finish(snapshot, options.log)
    const brain = new Brain(options, state, snapshot)
    await brain.#groups.look()
    // The new incarnation is on disk before anybody hears of it.
    if (brain.readOnlyBecause() === null) await brain.settled()
    return brain
  }

  #load(snapshot: Snapshot, newGridId: () => string): void {
    const { state, journal } = this.#ctx
    const { meta } = snapshot
    state.grid = meta.grid ?? newGridId()
    state.incarnation = Number(meta.incarnation ?? 0) + 1
    state.nextJob = Math.max(Number(meta.nextJob ?? 1), snapshot.newestJob + 1)
    state.lastEvent = snapshot.newestEvent
    state.lastAudit = snapshot.newestAudit
    state.lostNumbers = JSON.parse(meta.lostNumbers ?? '[]') as GridState['lostNumbers']
    state.isRestored = meta['isRestored'] === 'true'
    state.lostGrantMs = Number(meta['lostGrantMs'] ?? 0)
    if (this.#readOnly !== null) return
    journal.change({ put: 'meta', key: 'grid', value: state.grid })
    journal.change({ put: 'meta', key: 'incarnation', value: String(state.incarnation) })
    jumpIfRestored(this.#ctx, meta)
    for (const node of state.nodes.values()) offerNode(this.#ctx, node)
    reserveAgain(this.#ctx)
    for (const job of state.jobs.values()) refreshWaiting(this.#ctx, job)
  }

  /** Begins to tick. */
  start(): void {
    this.#ticker.start()
    this.#maintenance.start()
    this.#groups.start()
  }

  /** From the first accepted connection on, silence counts. */
  beginJudging(): void {
    this.#judge.begin()
  }

  /** Stops judging and deciding, then waits for what was decided. */
  async stop(): Promise<void> {
    this.#judge.end()
    this.#ticker.stop()
    if (this.#readOnly === null) this.#ticker.shares.keep()
    this.#maintenance.stop()
    this.#groups.stop()
    await this.settled()
    await this.#orders.sent()
  }

  /** One tick, for the simulation and the bench. */
  tick(): void {
    this.#ticker.tick()
  }

  get grid(): string {
    return this.#ctx.state.grid
  }

  get version(): string {
    return this.#ctx.settings.version
  }

  /** For tests and figures only: nothing outside may change it. */
  get state(): GridState {
    return this.#ctx.state
  }

  settled(): Promise<void> {
    return this.#readOnly === null ? this.#journal.settled() : Promise.resolve()
  }

  readOnlyBecause(route?: RouteName): string | null {
    if (this.#readOnly !== null) return this.#readOnly
    if (this.#ctx.room.isShort && !(route !== undefined && takenFromReserve.has(route)))
      return 'the disk of the data folder is full: only stop and drain are taken until there is room'
    return null
  }

  /** The store tells whether it holds the space that it keeps back for a full disk. */
  storeHoldsReserve(held: boolean): void {
    const { room, log } = this.#ctx
    if (room.isShort === !held) return
    room.isShort = !held
    if (held) log.info({ event: 'room-again', detail: 'changes are taken again' })
    else log.error({ event: 'disk-full', detail: 'only stop and drain are taken' })
    this.#maintenance.again()
    this.#ctx.wake()
  }

  attachOrders(node: string, sink: OrderSink): () => void {
    if (this.#ctx.state.foreign.has(node)) {
      sink.close()
      return () => {}
    }
    return this.#orders.attach(node, sink)
  }

  ask(node: string, ask: Ask, timeoutMs: number): Promise<Answer | null> {
    return this.#asks.ask(node, ask, timeoutMs)
  }

  answered(id: string, answer: Answer, node: string | null = null): boolean {
    return this.#asks.answered(id, answer, node)
  }

  onEvents(listener: (events: readonly EventRow[]) => void): () => void {
    return this.#journal.onEvents(listener)
  }

  eventsAfter(id: number, limit: number, job: number | null): Promise<EventRow[]> {
    return this.#ctx.store.query('eventsAfter', { id, limit, job })
  }

  newestEventId(): number {
    return this.#ctx.state.lastEvent
  }

  recordReply(row: ReplyRow): void {
    this.#replies.record(row)
  }

  knownReply(owner: string, key: string): boolean {
    return this.#replies.known(owner, key)
  }

  storedReply(owner: string, key: string): Promise<ReplyRow | null> {
    return this.#ctx.store.query('reply', { owner, key })
  }

  admit(owner: string): ReturnType<BrainDoor['admit']> {
    return admitRequest(this.#ctx, owner)
  }

  recordToken(row: TokenRow): void {
    this.#replies.recordToken(row)
  }

  tokenOwner(hash: string): { owner: string; expiresAt: number } | null {
    return this.#replies.tokenOwner(hash)
  }

  roleOf(owner: string): Role | null {
    return this.#ctx.state.roles.get(owner)?.role ?? null
  }

  apiToken(id: number): ReturnType<BrainDoor['apiToken']> {
    return this.#ctx.state.tokens.get(id) ?? null
  }

  get isShared(): boolean {
    return this.#ctx.state.sharing.size > 0
  }

  joinToken(id: number): ReturnType<BrainDoor['joinToken']> {
    return this.#ctx.state.joinTokens.get(id) ?? null
  }

  joinNode(join: Join): ReturnType<BrainDoor['joinNode']> {
    return joinNode(this.#ctx, join)
  }

  nodeKey(node: string): ReturnType<BrainDoor['nodeKey']> {
    return this.#ctx.state.nodeKeys.get(node) ?? null
  }

  newKeyShown(node: string): void {
    if (this.#readOnly === null) forgetOldKey(this.#ctx, node)
  }

  whoCould(): ReturnType<BrainDoor['whoCould']> {
    return couldOn(this.#ctx)
  }

  gauges(): ReturnType<BrainDoor['gauges']> {
    return gauges(this.#ctx)
  }
}
