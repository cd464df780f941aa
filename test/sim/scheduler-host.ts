import type { LeaseTerms, Report } from '../../proto/sync.ts'
/** The scheduler's machine: the real brain on its disk, ended and started again by whoever supervises it. */
import { Brain } from '../../scheduler/brain/brain.ts'
import type { Call, Caller, Handlers, Result } from '../../scheduler/brain/call.ts'
import type { BrainSettings } from '../../scheduler/brain/context.ts'
import { defaultLimits } from '../../scheduler/core/admission.ts'
import { defaultBreaker } from '../../scheduler/core/breaker.ts'
import type { LeaseSettings } from '../../scheduler/core/lease.ts'
import { builtInLimits } from '../../scheduler/core/quota.ts'
import { Replies, requestHash, type Sent } from '../../scheduler/http/idempotency.ts'
import type { Store } from '../../scheduler/store/store.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import type { Disk } from './disk.ts'
import { Host } from './host.ts'
import type { Service } from './network.ts'
import type { OrderPipe } from './order-pipe.ts'
import type { SimProcess, World } from './world.ts'

/** A sixth of the real ones, so that leases end often. */
export const simLease: LeaseSettings = {
  reportEveryMs: 2_000,
  silentAfterMs: 6_000,
  terms: { termMs: 40_000, killMs: 46_000, endMs: 54_000 },
  stallMs: 3_000,
}

/** What a site may have it changed to: nodes that are cut off hold what they were granted before. */
const shortTerms: LeaseTerms = { termMs: 14_000, killMs: 17_000, endMs: 22_000 }

export type RouteOf = keyof Handlers
export type Request<N extends RouteOf> = Omit<Call<N>, 'caller'>

/** What a mutant may break between the parts. */
export type SchedulerWiring = {
  store?: (store: Store, process: SimProcess, world: World) => Store
  /** What `beginJudging` reads the time from. */
  judging?: (clock: Clock, begin: () => void) => void
  clock?: (clock: Clock) => Clock
  /** What the scheduler hears instead of what a node said. */
  report?: (report: Report, brain: Brain) => Report
  isKeyless?: boolean
  /** Answers do not wait for their commit. */
  isHasty?: boolean
  /** Order streams do not say who opened them. */
  isSessionless?: boolean
  settings?: (settings: BrainSettings) => BrainSettings
  /** What the scheduler does instead of restarting. */
  restart?: (restart: Handlers['restartJobs'], brain: Brain) => Handlers['restartJobs']
}

type AnyHandler = (call: unknown) => Result<unknown> | Promise<Result<unknown>>

/** `database`: which one was asked. */
export type Answered = Sent & { database: number }
type Serving = { brain: Brain; replies: Replies }

export class SchedulerHost {
  readonly host: Host
  readonly disk: Disk
  readonly world: World
  brain: Brain | null = null
  process: SimProcess | null = null
  /** Not started again before the end of this time. */
  heldDownUntil = 0
  /** Which database it serves: another number after each replacement. */
  database = 0
  /** It serves an empty folder instead of the grid's. */
  isAstray = false
  /** Its next start has other lease lengths. */
  changesTerms = false
  pipes: OrderPipe[] = []
  /** Reports that have arrived and wait for the process to read them, by node: since when, in world time. */
  readonly unread = new Map<string, number>()
  /** Machines of which this process has counted a report. */
  readonly counted = new Set<string>()
  /** The newest report of each machine that arrived here, read or not: when, in world time. */
  readonly arrived = new Map<string, { session: string; sequence: number; at: number }>()
  onProblem: (what: string) => void = () => {}
  readonly #wiring: SchedulerWiring
  #serving: Promise<Serving> = new Promise(() => {})
  #grids = 0
  #terms: LeaseTerms = simLease.terms

  constructor(world: World, disk: Disk, driftPpm: number, wiring: SchedulerWiring) {
    this.world = world
    this.disk = disk
    this.host = new Host(world, 'scheduler', driftPpm)
    this.#wiring = wiring
  }

  start(): void {
    if (this.process !== null) return
    const process = this.host.startDaemon('daemon')
    this.process = process
    if (this.changesTerms) this.#changeTerms()
    this.world.note('scheduler starts')
    this.#serving = this.#open(process)
    this.#serving.catch((error: unknown) => {
      if (!process.dead) this.crash(`did not start: ${String(error)}`)
    })
  }

  crash(why: string): void {
    if (this.process === null) return
    this.world.note(`scheduler dies: ${why}`)
    this.host.killDaemon()
    this.process = null
    this.brain = null
    this.unread.clear()
    this.counted.clear()
    this.arrived.clear()
    this.disk.crash()
    for (const pipe of this.pipes.splice(0)) pipe.reset('connection reset')
    this.#restartLater()
  }

  /** An operator puts yesterday's copy in the place of the database. */
  restore(): void {
    this.crash('stopped for a restore')
    this.database += 1
    this.disk.restore(this.host.now())
    this.world.note('a backup is restored')
  }

  /** Started on an empty folder, until somebody notices. */
  goAstray(): void {
    this.crash('stopped, and started on an empty folder')
    this.database += 1
    this.isAstray = true
    this.disk.leaveForEmpty()
  }

  comeBack(): void {
    if (!this.isAstray) return
    this.crash('stopped, and started on its own folder again')
    this.database += 1
    this.isAstray = false
    this.disk.comeBack()
  }

  #restartLater(): void {
    const delayMs = Math.max(
      this.heldDownUntil - this.world.now,
      500 + this.world.random.delay(1500),
    )
    this.world.after(delayMs, this.host.kernel, () => this.start())
  }

  async #open(process: SimProcess): Promise<Serving> {
    const plain = this.disk.storeFor(process, (why) => this.crash(why))
    const store = this.#wiring.store?.(plain, process, this.world) ?? plain
    const machineClock = this.host.clockOf(process)
    // A copy of its own: a mutant may bend it.
    const clock = { ...(this.#wiring.clock?.(machineClock) ?? machineClock) }
    const brain = await Brain.open({
      store,
      clock,
      log: this.#log(),
      settings: this.#wiring.settings?.(this.#settings()) ?? this.#settings(),
      newGridId: () => `grid-${(this.#grids += 1)}`,
      onFailure: (error) => {
        // The daemon ends in a turn of its own, as a real one does.
        this.world.after(0.1, process, () => this.crash(`store failed: ${error.message}`))
      },
    })
    this.brain = brain
    brain.onEvents((events) => {
      for (const { what, job, task, node, detail } of events) {
        const about = job === null ? (node ?? '') : `job ${job}${task === null ? '' : `.${task}`}`
        this.world.note(`  ${what} ${about}: ${detail}`)
      }
    })
    const begin = (): void => brain.beginJudging()
    if (this.#wiring.judging) this.#wiring.judging(clock, begin)
    else begin()
    if (this.#wiring.restart !== undefined)
      brain.handlers.restartJobs = this.#wiring.restart(brain.handlers.restartJobs, brain)
    brain.start()
    this.world.note(`scheduler serves, incarnation ${brain.state.incarnation}`)
    return { brain, replies: new Replies(brain, () => machineClock.now()) }
  }

  /** Null where nobody listens. As the HTTP room does it: one call, commit, reply. */
  serve<N extends RouteOf>(
    route: N,
    caller: Caller,
    request: Request<N>,
    key: string | null,
  ): Service<Answered> | null {
    const { process } = this
    if (process === null) return null
    const { database } = this
    const from = route === 'report' ? (request.body as Report).node : null
    const heard = (): void => {
      if (from === null) return
      if (!this.unread.has(from)) this.unread.set(from, this.world.now)
      this.#arrives(caller.from, request.body as Report)
    }
    const work = async (): Promise<Answered> => {
      if (from !== null) this.unread.delete(from)
      const { brain, replies } = await this.#serving
      const handler = brain.handlers[route] as unknown as AnyHandler
      const run = async (record?: (text: string) => void): Promise<Sent> => {
        const given = handler({ caller, ...this.#heard(route, request, brain) })
        const result = given instanceof Promise ? await given : given
        if (from !== null && result.ok) this.counted.add(caller.from)
        const sent: Sent = result.ok
          ? { ok: true, status: 200, text: JSON.stringify(result.value) }
          : result
        if (sent.ok) record?.(sent.text)
        if (this.#wiring.isHasty !== true) await brain.settled()
        return sent
      }
      if (key === null || this.#wiring.isKeyless === true) return { ...(await run()), database }
      const hash = requestHash(request.params, request.query, request.body)
      const { sent } = await replies.once({ owner: caller.owner, key, route, hash }, run)
      return { ...sent, database }
    }
    return { process, heard, work }
  }

  /** What was said twice is heard once. */
  #arrives(machine: string, { session, sequence }: Report): void {
    const before = this.arrived.get(machine)
    if (before?.session === session && sequence <= before.sequence) return
    this.arrived.set(machine, { session, sequence, at: this.world.now })
  }

  #heard<N extends RouteOf>(route: N, request: Request<N>, brain: Brain): Request<N> {
    if (route !== 'report' || this.#wiring.report === undefined) return request
    return {
      ...request,
      body: this.#wiring.report(request.body as Report, brain) as typeof request.body,
    }
  }

  attach(pipe: OrderPipe, node: string, session: string | null): void {
    const { process } = this
    const said = this.#wiring.isSessionless === true ? null : session
    const attached = this.#serving.then(({ brain }) => {
      if (process?.dead === true) return
      this.pipes = this.pipes.filter((one) => one.isOpen)
      this.pipes.push(pipe)
      pipe.attach((sink) => brain.attachOrders(node, { ...sink, session: said }))
    })
    attached.catch(() => pipe.reset('connection reset'))
  }

  #changeTerms(): void {
    this.changesTerms = false
    this.#terms = this.#terms === shortTerms ? simLease.terms : shortTerms
    this.world.note(`leases end after ${this.#terms.endMs / 1000} s from now on`)
  }

  #settings(): BrainSettings {
    return {
      limits: defaultLimits,
      quota: () => builtInLimits,
      shareHalfLifeMs: 86_400_000,
      groupMembers: async () => [],
      lease: { ...simLease, terms: this.#terms },
      tickGapMs: 4,
      breaker: defaultBreaker,
      replacedPerSecond: 100,
      keepFinishedMs: 30 * 86_400_000,
      keepEventsMs: 30 * 86_400_000,
      version: 'sim',
      refuseOwner: () => null,
      place: 'sim',
    }
  }

  #log(): Log {
    return {
      info: () => {},
      warn: (facts) => this.world.note(`scheduler warns: ${JSON.stringify(facts)}`),
      error: (facts) => {
        this.world.note(`scheduler error: ${JSON.stringify(facts)}`)
        this.onProblem(`scheduler logged an error: ${JSON.stringify(facts)}`)
      },
    }
  }
}
