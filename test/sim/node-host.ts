/** A node: the real agent over a fake machine, with a spool that outlives it. */
import { startAgent } from '../../exec-node/agent.ts'
import {
  agentDefaults,
  type AgentPorts,
  type KeptState,
  type SchedulerLink,
} from '../../exec-node/ports.ts'
import type { RunDriver } from '../../exec-node/process/run-driver.ts'
import type { Cause } from '../../proto/cause.ts'
import { protocolVersion, type Report, type ReportReply } from '../../proto/sync.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { FakeMachine } from '../support/fake-driver.ts'
import { FakeSpool } from '../support/fake-spool.ts'
import { planOf, scriptOf } from './behaviour.ts'
import { Host } from './host.ts'
import type { Network } from './network.ts'
import { OrderPipe } from './order-pipe.ts'
import type { Random } from './random.ts'
import { simLease, type SchedulerHost } from './scheduler-host.ts'
import type { SimProcess, World } from './world.ts'

const fenceTickMs = 1_000
const reportPatienceMs = 3_000

/** What came into the exchange with this version is not said by an agent of the one before, nor understood. */
function asOldAgentSays({ ...report }: Report): Report {
  delete report.usages
  return { ...report, protocol: protocolVersion - 1 }
}

/** Nor does this scheduler understand what the next version says. */
const asNewAgentSays = (report: Report): Report =>
  ({ ...report, protocol: protocolVersion + 1, news: { of: 'tomorrow' } }) as Report

function asOldAgentHears({ ...reply }: ReportReply): ReportReply {
  delete reply.reportEveryMs
  return reply
}

/** Its own and those of its class. */
function methodsOf(target: object): string[] {
  const own = Object.getOwnPropertyNames(target)
  const kind = Object.getPrototypeOf(target) as object
  if (kind === Object.prototype) return own
  return [...own, ...Object.getOwnPropertyNames(kind).filter((name) => name !== 'constructor')]
}

/** What a mutant may break on a node. */
export type NodeWiring = {
  link?: (link: SchedulerLink, node: NodeHost) => SchedulerLink
  driver?: (driver: RunDriver, node: NodeHost) => RunDriver
  spool?: (spool: AgentPorts['spool'], node: NodeHost) => AgentPorts['spool']
  isFenceless?: boolean
  /** Nobody looks at the lease just before exec. */
  isLeaseUnread?: boolean
  /** What agent and fence read the time from. */
  clock?: (clock: Clock, node: NodeHost) => Clock
}

export type NodeShape = { slots: number; memBytes: number; driftPpm: number }
/** What an agent says that it is: those of two machines may be the same. */
export type Identity = { node: string; machineId: string; hardware: string }

type Around = { network: Network; scheduler: SchedulerHost; random: Random; wiring: NodeWiring }

export class NodeHost {
  readonly host: Host
  readonly machine: FakeMachine
  readonly spool = new FakeSpool()
  readonly world: World
  readonly shape: NodeShape
  readonly identity: Identity
  /** Its disk and processes take so many times as long. */
  slowness = 1
  /** How many versions of the exchange the agent is behind (-1) or ahead (1). */
  age = 0
  /** There is another machine under its name. An old agent does not say who opens a stream: all bets are off. */
  isTwinned = false
  /** Names of the machines that nothing tells from this one, gone or not: all of them share the set. */
  alike: Set<string>
  /** Switched off for good. */
  isGone = false
  /** Just before a run is started, and when a report is on its way. */
  onStart: () => void = () => {}
  onReport: () => void = () => {}
  onRunGone: (key: string, cause: Cause | null) => void = () => {}
  /** By key of the run, in world time. */
  readonly begunAt = new Map<string, number>()
  readonly around: Around
  readonly #network: Network
  readonly #scheduler: SchedulerHost
  readonly #random: Random
  readonly #wiring: NodeWiring
  #session = 0
  #starting = new Set<string>()

  constructor(name: string, shape: NodeShape, around: Around, identity?: Identity) {
    this.identity = identity ?? {
      node: name,
      machineId: `machine-${name}`,
      hardware: `board-${name}`,
    }
    this.alike = new Set([name])
    this.around = around
    this.#network = around.network
    this.#scheduler = around.scheduler
    this.#random = around.random
    this.#wiring = around.wiring
    this.world = around.network.world
    this.shape = shape
    this.host = new Host(this.world, name, shape.driftPpm)
    const clock = this.host.kernelClock()
    this.machine = new FakeMachine(around.wiring.clock?.(clock, this) ?? clock, scriptOf)
    this.machine.readsLease = around.wiring.isLeaseUnread !== true
    this.machine.bootId = this.host.bootId
    this.spool.onLease = (lease) => (this.machine.lease = lease)
    this.machine.onExec = ({ plan }) => {
      this.begunAt.set(plan.key, this.world.now)
      this.world.note(`${this.name}: run ${plan.key} begins`)
    }
    this.machine.onEmpty = ({ plan, cause }) => {
      this.world.note(`${this.name}: run ${plan.key} is gone (${cause?.kind ?? 'unknown'})`)
      this.onRunGone(plan.key, cause)
    }
    this.#fenceLater()
  }

  get name(): string {
    return this.host.name
  }

  get isAgentUp(): boolean {
    return this.host.daemon !== null
  }

  /** It has joined a grid once, and takes no orders of another. */
  get isOfGrid(): boolean {
    const kept = JSON.parse(this.spool.state ?? '{"grid":null}') as Pick<KeptState, 'grid'>
    return kept.grid !== null
  }

  startAgent(): void {
    if (!this.host.isOn || this.host.daemon !== null) return
    const process = this.host.startDaemon('agent')
    this.#session += 1
    const session = `${this.name}-${this.#session}`
    this.age = this.#random.pick(this.isTwinned ? [0, 1] : [0, 0, 0, -1, 1]) ?? 0
    this.world.note(
      `${this.name}: agent starts as ${session}${['', ', a new one', ', an old one'].at(this.age)}`,
    )
    const { slots, memBytes } = this.shape
    const { bootId } = this.host
    const labels = { zone: this.name.endsWith('1') ? 'a' : 'b' }
    const facts = {
      slots,
      memBytes,
      labels,
      enforcement: 'cgroup2',
      version: 'sim',
      bootId,
    } as const
    const options = {
      ...agentDefaults,
      node: this.identity.node,
      session,
      facts: { ...facts, machineId: this.identity.machineId, hardware: this.identity.hardware },
      reportMs: simLease.reportEveryMs,
      reportTimeoutMs: reportPatienceMs,
    }
    startAgent(this.#ports(process, session), options).catch((error: unknown) => {
      // As whatever supervises it does: with a full disk it is tried until it works.
      if (process.dead) return
      this.world.note(`${this.name}: the agent did not start: ${String(error)}`)
      this.host.killDaemon()
      this.world.after(2_000, this.host.kernel, () => this.startAgent())
    })
  }

  crashAgent(): void {
    if (this.host.daemon === null) return
    this.world.note(`${this.name}: agent killed`)
    this.#resetPipes()
    this.host.killDaemon()
  }

  powerOff(): void {
    if (!this.host.isOn) return
    this.world.note(`${this.name}: power lost`)
    this.host.powerOff()
    this.machine.reboot('off', (key) => this.#starting.has(key) && this.#random.chance(0.5))
    this.#starting.clear()
  }

  /** Its disk as it is now, for a machine that is cloned from it: nothing lives there. */
  cloneTo(twin: NodeHost): void {
    for (const [key, text] of this.spool.records) twin.spool.records.set(key, text)
    twin.spool.state = this.spool.state
    twin.spool.lease = this.spool.lease
    twin.machine.lease = this.spool.lease
    for (const [key, run] of this.machine.runs) {
      const gone = { alive: false, supervised: false, stop: null, cancels: [] }
      twin.machine.runs.set(key, { ...run, ...gone })
    }
  }

  powerOn(): void {
    if (this.host.isOn || this.isGone) return
    this.host.powerOn()
    this.machine.bootId = this.host.bootId
    this.world.note(`${this.name}: boots as ${this.host.bootId}`)
    this.#fenceLater()
    this.host.after(this.host.kernel, 2_000 + this.#random.delay(3_000), () => this.startAgent())
  }

  #resetPipes(): void {
    const { daemon } = this.host
    for (const pipe of this.#scheduler.pipes) if (pipe.node === daemon) pipe.reset('agent died')
  }

  #fenceLater(): void {
    if (this.#wiring.isFenceless === true) return
    this.world.after(
      fenceTickMs,
      this.host.kernel,
      () => {
        this.machine.fence()
        this.#fenceLater()
      },
      true,
    )
  }

  #ports(process: SimProcess, session: string): AgentPorts {
    const { host } = this
    const driver = this.#driver(process)
    const spool = this.#slow(this.spool, process, 1)
    const link = this.#link(process, session)
    return {
      clock: this.#wiring.clock?.(host.clockOf(process), this) ?? host.clockOf(process),
      random: () => this.#random.next(),
      log: {
        info: () => {},
        warn: (facts) => this.world.note(`${this.name} warns: ${JSON.stringify(facts)}`),
        error: (facts) => this.world.note(`${this.name} error: ${JSON.stringify(facts)}`),
      },
      driver: this.#wiring.driver?.(driver, this) ?? driver,
      link: this.#wiring.link?.(link, this) ?? link,
      spool: this.#wiring.spool?.(spool, this) ?? spool,
      health: { reports: () => [] },
      output: {
        answer: async () => ({ ok: true, problem: null, data: '', cursor: null, end: true }),
        tail: async () => null,
      },
      planRun: async (order, run) => ({ ok: true, plan: planOf(order, run) }),
      checkHttp: async () => ({ ok: true, detail: '' }),
    }
  }

  #driver(process: SimProcess): RunDriver {
    const plain = this.machine.driver()
    const slow = this.#slow(plain, process, 2)
    return {
      ...slow,
      enforcement: plain.enforcement,
      start: async (plan) => {
        this.#starting.add(plan.key)
        this.onStart()
        // A machine under load forks when it likes.
        if (this.#random.chance(0.05)) await this.world.wait(this.#random.delay(4_000), process)
        await slow.start(plan)
        this.#starting.delete(plan.key)
      },
      onChange: (listener) =>
        plain.onChange((key) => void this.world.after(0, process, () => listener(key))),
    }
  }

  /** Each call takes time before, and at times after it does anything: the process may die in between. */
  #slow<T extends object>(target: T, process: SimProcess, meanMs: number): T {
    const slowly =
      (call: (...args: unknown[]) => unknown) =>
      async (...args: unknown[]) => {
        const ms = () => this.#random.delay(meanMs * this.slowness)
        await this.world.wait(ms(), process)
        const result = await call(...args)
        if (this.#random.chance(0.25)) await this.world.wait(ms(), process)
        return result
      }
    const slow = Object.create(target) as Record<string, unknown>
    for (const name of methodsOf(target)) {
      const call: unknown = Reflect.get(target, name)
      if (typeof call === 'function')
        slow[name] = slowly((call as (...args: unknown[]) => unknown).bind(target))
    }
    return slow as T
  }

  #said(report: Report): Report {
    if (this.age === 0) return report
    return this.age < 0 ? asOldAgentSays(report) : asNewAgentSays(report)
  }

  #link(process: SimProcess, session: string): SchedulerLink {
    const scheduler = this.#scheduler
    const network = this.#network
    const from = { host: this.host, process, patienceMs: reportPatienceMs }
    const caller = { owner: 'exec-node', rights: 'user', from: this.name } as const
    return {
      report: async (report) => {
        this.onReport()
        const body = JSON.parse(JSON.stringify(this.#said(report))) as Report
        const request = { params: {}, query: {}, body }
        const served = await network.call(from, scheduler.host, () =>
          scheduler.serve('report', caller, request, null),
        )
        if (served.kind === 'refused') return { kind: 'refused-connection' }
        const sent = served.value
        if (!sent.ok) return { kind: 'rejected', refusal: sent.refusal }
        const reply = JSON.parse(sent.text) as ReportReply
        return { kind: 'answered', reply: this.age < 0 ? asOldAgentHears(reply) : reply }
      },
      orders: (handlers) => {
        const said = this.age < 0 ? null : session
        const target = scheduler.process
        const closed = (why: string) =>
          this.world.after(network.delay(), process, () => handlers.closed(why))
        if (target === null) {
          closed('connection refused')
          return { close: () => {} }
        }
        const pipe = new OrderPipe(
          { network, node: from, scheduler: { host: scheduler.host, process: target } },
          handlers,
        )
        network.send(this.host, scheduler.host, () => {
          this.world.after(0, target, () => scheduler.attach(pipe, this.identity.node, said))
        })
        return { close: () => pipe.close() }
      },
      answer: async () => {},
    }
  }
}
