/** What goes wrong: chosen by the seed, each with its own end. */
import type { Databases } from './databases.ts'
import { lengthMs, someKinds, type FaultKind } from './fault-kinds.ts'
import type { Host } from './host.ts'
import type { Network } from './network.ts'
import type { NodeHost } from './node-host.ts'
import type { People } from './people.ts'
import { liveRuns } from './promises.ts'
import type { Random } from './random.ts'
import type { SchedulerHost } from './scheduler-host.ts'
import type { Twins } from './twins.ts'
import type { World } from './world.ts'

export class Faults {
  /** Clocks that stepped make some checks void. */
  clockStepped = false
  readonly counts: Partial<Record<FaultKind, number>> = {}
  readonly #world: World
  readonly #random: Random
  readonly #kinds: Readonly<Record<FaultKind, number>>
  readonly #network: Network
  readonly #scheduler: SchedulerHost
  readonly #nodes: readonly NodeHost[]
  readonly #twins: Twins
  readonly #databases: Databases
  readonly #people: People

  constructor(around: {
    world: World
    random: Random
    network: Network
    scheduler: SchedulerHost
    nodes: readonly NodeHost[]
    twins: Twins
    databases: Databases
    people: People
  }) {
    this.#world = around.world
    this.#random = around.random
    this.#kinds = someKinds(around.random)
    this.#network = around.network
    this.#scheduler = around.scheduler
    this.#nodes = around.nodes
    this.#twins = around.twins
    this.#databases = around.databases
    this.#people = around.people
  }

  strike(): void {
    const kind = this.#random.weighted(this.#kinds)
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    // Where something runs that must not run twice, more can go wrong.
    const busy = this.#nodes.filter(({ machine }) =>
      machine.living().some(({ plan }) => plan.singleCopy),
    )
    const isAimed = busy.length > 0 && this.#random.chance(0.7)
    const node = this.#random.pick(isAimed ? busy : this.#nodes)
    if (node) this.#strike(kind, node)
  }

  #strike(kind: FaultKind, node: NodeHost): void {
    const random = this.#random
    const { disk, host } = this.#scheduler
    const strikes: Record<FaultKind, () => void> = {
      loss: () => this.#weather('loss'),
      calm: () => this.#weather('calm'),
      partition: () => this.#partition(node.host, true),
      oneWayPartition: () => this.#partition(node.host, false),
      resetStreams: () => {
        for (const pipe of this.#scheduler.pipes) pipe.reset('connection reset')
      },
      agentCrash: () => {
        node.crashAgent()
        this.#later(500 + random.delay(4_000), node, () => node.startAgent())
      },
      agentHang: () => this.#hang(node.host, lengthMs(random)),
      powerLoss: () => {
        node.powerOff()
        this.#later(1_000 + lengthMs(random), null, () => node.powerOn())
      },
      sleep: () => this.#sleep(node.host),
      // Between a decision and what it leads to there is no time too long.
      hangAtStart: () => {
        node.onStart = () => {
          node.onStart = () => {}
          this.#hang(node.host, random.between(20_000, 90_000))
        }
      },
      hangThenCut: () => {
        node.onReport = () => {
          node.onReport = () => {}
          const ms = random.between(10_000, 38_000)
          this.#hang(node.host, ms)
          this.#later(ms, null, () => this.#partition(node.host, true, 90_000))
        }
      },
      sleepThenCut: () => {
        const ms = random.between(10_000, 38_000)
        this.#sleep(node.host, ms)
        this.#partition(node.host, true, ms + 90_000)
      },
      replaced: () => this.#replace(),
      spoolFull: () => {
        node.spool.isFull = true
        this.#later(lengthMs(random) / 4, null, () => (node.spool.isFull = false))
      },
      schedulerCrash: () => this.#scheduler.crash('killed'),
      otherLeases: () => {
        this.#partition(node.host, true, 90_000)
        this.#scheduler.changesTerms = true
        this.#scheduler.crash('stopped to be given other lease lengths')
      },
      schedulerDown: () => {
        this.#scheduler.heldDownUntil = this.#world.now + lengthMs(random)
        this.#scheduler.crash('killed for a while')
      },
      schedulerHang: () => this.#hang(host, lengthMs(random)),
      commitFault: () => {
        const kinds = ['crash-before', 'crash-inside', 'torn', 'crash-after', 'fails'] as const
        const next = random.pick(kinds) ?? 'fails'
        const possible = next === 'torn' && disk.files === null ? 'crash-inside' : next
        disk.next = possible
      },
      firingFault: () => {
        disk.atFiring =
          random.pick(['crash-before', 'crash-inside', 'crash-after', 'fails']) ?? null
      },
      diskFull: () => {
        disk.isFull = true
        this.#later(random.delay(4_000), null, () => (disk.isFull = false))
      },
      clockStep: () => {
        this.clockStepped = true
        host.wallOffsetMs += random.int(-3_600_000, 3_600_000)
        this.#world.note('the wall clock of the scheduler steps')
      },
      nodeClockStep: () => {
        node.host.wallOffsetMs += random.int(-3_600_000, 3_600_000)
        this.#world.note(`the wall clock of ${node.name} steps`)
      },
      agentSlow: () => {
        node.slowness = random.int(10, 1_000)
        this.#world.note(`${node.name} is ${node.slowness} times slower`)
        this.#later(lengthMs(random), null, () => (node.slowness = 1))
      },
      schedulerSleep: () => this.#sleep(host),
      twin: () => this.#twin(node, false),
      clone: () => this.#twin(node, true),
      backup: () => this.#databases.backup(),
      restore: () => {
        // What a node that cannot be heard runs since the backup is the trouble with it.
        if (random.chance(0.5) && this.#scheduler.disk.files !== null)
          this.#partition(node.host, true, random.between(20_000, 90_000))
        this.#databases.restore()
      },
      restoreOverStarted: () => this.#restoreOverStarted(),
      emptyFolder: () => {
        if (this.#twins.present.length > 0 || !this.#nodes.every((one) => one.isOfGrid)) return
        this.#databases.leave()
        this.#later(lengthMs(random), null, () => this.#databases.comeBack())
      },
    }
    strikes[kind]()
  }

  #weather(kind: 'loss' | 'calm'): void {
    const random = this.#random
    const isBad = kind === 'loss'
    this.#network.faults = {
      loss: isBad ? random.between(0, 0.4) : 0,
      duplicates: random.between(0, 0.2),
      slow: isBad ? random.between(0, 0.1) : 0,
      meanMs: random.pick([1, 5, 50, 400]) ?? 1,
    }
  }

  #partition(host: Host, isBothWays: boolean, forMs = lengthMs(this.#random)): void {
    const ways = [
      [host.name, 'scheduler'],
      ['scheduler', host.name],
    ] as const
    const cut = isBothWays ? ways : [this.#random.pick(ways) ?? ways[0]]
    for (const [from, to] of cut) {
      this.#network.cut(from, to)
      this.#world.note(`no way from ${from} to ${to}`)
    }
    this.#later(forMs, null, () => {
      for (const [from, to] of cut) this.#network.heal(from, to)
      this.#world.note(`ways between ${host.name} and scheduler heal`)
    })
  }

  #hang(host: Host, forMs: number): void {
    const process = host.daemon
    if (process === null || process.frozen !== 'no') return
    this.#world.note(`${process.name} hangs`)
    this.#world.freeze(process, 'stopped')
    this.#later(forMs, null, () => {
      if (process.frozen !== 'stopped' || process.dead) return
      this.#world.note(`${process.name} goes on`)
      this.#world.thaw(process)
    })
  }

  #sleep(host: Host, forMs = lengthMs(this.#random)): void {
    if (!host.isOn || host.isAsleep || host.daemon?.frozen === 'stopped') return
    this.#world.note(`${host.name} falls asleep`)
    host.sleep()
    this.#later(forMs, null, () => {
      if (!host.isAsleep) return
      this.#world.note(`${host.name} wakes`)
      host.wake()
    })
  }

  #twin(original: NodeHost, isClone: boolean): void {
    if (this.#scheduler.isAstray) return
    const twin = this.#twins.add(original, isClone)
    if (twin === null) return
    this.#later(this.#random.delay(3_000), twin, () => twin.startAgent())
    this.#later(5_000 + lengthMs(this.#random), null, () => this.#twins.remove(twin))
  }

  /** An idle machine seems dead, and another one is given its name; then the first is heard again. */
  #replace(): void {
    const random = this.#random
    const idle = this.#nodes.filter(
      ({ machine, isAgentUp, name, identity }) =>
        isAgentUp && name === identity.node && machine.living().length === 0,
    )
    const node = random.pick(idle)
    if (node === undefined) return
    const ms = random.between(10_000, 30_000)
    if (random.chance(0.5)) this.#hang(node.host, ms)
    else this.#partition(node.host, true, ms)
    this.#later(7_000, null, () => {
      this.#twin(node, random.chance(0.5))
      void this.#people.do('continuous')
      this.#later(3_000, null, () => void this.#people.do('continuous'))
    })
  }

  /**
   * A backup knows as waiting what has run since, and nobody hears of that when it comes back. Nor does it know that a
   * bot was restarted, which is then asked for again.
   */
  #restoreOverStarted(): void {
    const random = this.#random
    const { disk, isAstray } = this.#scheduler
    if (disk.files === null || isAstray) return
    const before = new Set(this.#nodes.flatMap(({ machine }) => [...machine.runs.keys()]))
    disk.atSubmit = () => this.#databases.backup()
    void this.#people.do('continuous')
    const living = liveRuns({ nodes: this.#nodes, world: this.#world }).map(({ task }) =>
      Number.parseInt(task, 10),
    )
    const bot = this.#people.bots.find(({ id }) => living.includes(id))
    const restart = (): void => void (bot && this.#people.onJob('restart', bot))
    this.#later(3_000, null, restart)
    this.#later(random.between(5_000, 30_000), null, () => {
      const isNew = ({ machine }: NodeHost) =>
        machine.living().some(({ plan }) => !before.has(plan.key))
      const moved = random.pick(this.#nodes.filter(isNew))
      if (moved !== undefined) this.#partition(moved.host, true, random.between(30_000, 90_000))
      this.#databases.restore()
      this.#later(20_000, null, restart)
    })
  }

  #later(delayMs: number, node: NodeHost | null, call: () => void): void {
    this.#world.after(delayMs, node?.host.kernel ?? null, call)
  }

  /** All is well from here on: what was broken is mended at once. */
  end(): void {
    this.#network.healAll()
    for (const twin of this.#twins.present) this.#twins.remove(twin)
    this.#databases.comeBack()
    const { disk, host } = this.#scheduler
    disk.next = null
    disk.atFiring = null
    disk.atSubmit = null
    disk.isFull = false
    this.#scheduler.heldDownUntil = 0
    host.wallOffsetMs = 0
    for (const each of [host, ...this.#nodes.map((node) => node.host)]) {
      each.wake()
      if (each.daemon !== null) this.#world.thaw(each.daemon)
    }
    for (const node of this.#nodes) {
      node.spool.isFull = false
      node.slowness = 1
      node.onStart = () => {}
      node.onReport = () => {}
      node.host.wallOffsetMs = 0
      node.powerOn()
      node.startAgent()
    }
  }
}
