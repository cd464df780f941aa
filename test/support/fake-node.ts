/** A node for tests of the brain: it sends reports, takes orders, and plays what its placements do. */
import { protocolVersion, type Order, type OrderLine } from '../../proto/sync.ts'
import type { PlacementReport, Report, ReportReply, RunReport } from '../../proto/sync.ts'
import type { Brain } from '../../scheduler/brain/brain.ts'
import type { Clock } from '../../src/lib/clock.ts'

export type Held = { order: Order; report: PlacementReport }
type Phase = PlacementReport['phase']

const plainRun: Omit<RunReport, 'number'> = {
  pid: 4711,
  startedAt: null,
  endedAt: null,
  cause: null,
  usage: null,
  outMark: null,
  errMark: null,
  tail: null,
}

export class FakeNode {
  readonly name: string
  readonly lines: OrderLine[] = []
  /** By task and epoch: what runs here. */
  readonly held = new Map<string, Held>()
  facts: Report['facts']
  health: Report['health'] = []
  oddities: Report['oddities'] = []
  usages: NonNullable<Report['usages']> = []
  grid: string | null = null
  revision: Report['revision'] = null
  terms: Report['terms'] = null
  session = 's1'
  sequence = 0
  bootedAt = 0
  /** False: orders are kept and nothing starts. */
  obeys = true
  /** Called for questions; what it returns is the answer. */
  answers: ((ask: Extract<OrderLine, { kind: 'ask' }>['ask']) => string | null) | null = null
  /** The cursor that goes with them. */
  cursorOf: (data: string) => string = (data) => `at-${data.length}`
  #brain: Brain
  readonly #clock: Clock
  #detach: () => void = () => {}
  #wantFull = true

  constructor(brain: Brain, clock: Clock, name: string, facts: Partial<Report['facts']> = {}) {
    this.#brain = brain
    this.#clock = clock
    this.name = name
    this.facts = {
      slots: 4,
      memBytes: 16 * 2 ** 30,
      labels: {},
      enforcement: 'cgroup2',
      version: '0',
      bootId: `boot-${name}`,
      machineId: `machine-${name}`,
      ...facts,
    }
  }

  /** After the scheduler was started again. */
  meet(brain: Brain): void {
    this.#brain = brain
    this.#wantFull = true
  }

  attach(): void {
    this.#detach()
    this.#detach = this.#brain.attachOrders(this.name, {
      send: (line) => this.#take(line),
      close: () => {},
    })
  }

  detach(): void {
    this.#detach()
  }

  build(full: boolean): Report {
    this.sequence += 1
    const { name, grid, session, sequence, facts, revision, terms, oddities, health, usages } = this
    const placements = structuredClone([...this.held.values()].map(({ report }) => report))
    const uptimeMs = Math.floor(this.#clock.uptime() - this.bootedAt)
    return {
      protocol: protocolVersion,
      node: name,
      ...{ grid, session, sequence, facts, full, revision, terms, oddities, health, usages },
      uptimeMs,
      placements,
    }
  }

  /** Sends a report and takes its answer, as the agent does, when it is committed. */
  async report(full = this.#wantFull): Promise<ReportReply> {
    const reply = await this.deliver(this.build(full))
    this.grid = reply.grid
    this.terms = reply.terms
    this.#wantFull = reply.wantFull
    for (const { task, epoch, then } of reply.answers) {
      if (then === 'forget') this.held.delete(`${task}@${epoch}`)
    }
    return reply
  }

  async deliver(report: Report): Promise<ReportReply> {
    const call = { caller: scheduler, params: {}, query: {}, body: report }
    const result = await this.#brain.handlers.report(call)
    await this.#brain.settled()
    if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.detail}`)
    return result.value
  }

  /** The newest placement of a task that it was told of. */
  of(task: string): Held {
    const found = [...this.held.values()].filter(({ order }) => order.task === task)
    const newest = found.toSorted((a, b) => b.order.epoch - a.order.epoch)[0]
    if (newest === undefined) throw new Error(`${this.name} knows nothing of ${task}`)
    return newest
  }

  has(task: string): boolean {
    return [...this.held.values()].some(({ order }) => order.task === task)
  }

  phase(task: string, phase: Phase): void {
    const { report } = this.of(task)
    report.phase = phase
    report.version += 1
  }

  /** The next run begins. */
  start(task: string, more: Partial<RunReport> = {}): void {
    const { report, order } = this.of(task)
    const number = Math.max(order.firstRun - 1, ...report.runs.map((run) => run.number)) + 1
    const startedAt = this.#clock.now()
    report.runs.push({ ...plainRun, number, startedAt, ...more })
    this.phase(task, { kind: 'running', run: number, since: startedAt, healthy: true })
  }

  /** The present run ends and with it the placement. */
  end(task: string, cause: NonNullable<RunReport['cause']>, more: Partial<RunReport> = {}): void {
    const { report } = this.of(task)
    const run = report.runs.at(-1)
    if (run) Object.assign(run, { endedAt: this.#clock.now(), cause, ...more })
    this.phase(task, { kind: 'ended', cause })
  }

  exit(task: string, code = 0): void {
    this.end(task, { kind: 'exit', code })
  }

  /** Ends all that it was told to stop. */
  stopWanted(): void {
    for (const { order } of this.held.values()) {
      if (order.want.kind === 'stop' && this.of(order.task).report.phase.kind !== 'ended')
        this.end(order.task, order.want.cause)
    }
  }

  reboot(): void {
    this.facts = { ...this.facts, bootId: `${this.facts.bootId}+` }
    this.bootedAt = this.#clock.uptime()
    this.session += '+'
    this.sequence = 0
    this.terms = null
    this.held.clear()
    this.#wantFull = true
  }

  #take(line: OrderLine): void {
    this.lines.push(line)
    if (line.kind === 'ask') {
      const data = this.answers?.(line.ask) ?? null
      if (data === null) return
      const answer = { ok: true, problem: null, data, cursor: this.cursorOf(data), end: true }
      this.#brain.answered(line.id, answer)
    }
    if (line.kind !== 'full' && line.kind !== 'diff') return
    this.revision = line.revision
    for (const order of this.obeys ? line.orders : []) this.#obey(order)
  }

  #obey(order: Order): void {
    const key = `${order.task}@${order.epoch}`
    const known = this.held.get(key)
    if (known) known.order = order
    else {
      const { task, epoch } = order
      const phase: Phase = { kind: 'accepted' }
      const { slots, memBytes, resources } = order.spec
      const asks = resources === undefined ? {} : { resources }
      const report = { task, epoch, phase, runs: [], version: 1, slots, memBytes, ...asks }
      this.held.set(key, { order, report })
    }
  }
}

const scheduler = { owner: 'node', rights: 'manager', from: 'test' } as const
