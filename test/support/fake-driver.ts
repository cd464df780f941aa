/**
 * Processes without an operating system: a fake machine holds virtual runs that outlive the agent, and each
 * start of an agent gets a driver onto it. Runs follow a script; a reboot ends them all at once.
 */
import type {
  CheckResult,
  LeaseRecord,
  RunDriver,
  RunFacts,
  RunPlan,
  StopOrder,
} from '../../exec-node/process/run-driver.ts'
import type { Cause, Usage } from '../../proto/cause.ts'
import type { Enforcement } from '../../proto/node.ts'
import type { Cancel, Clock } from '../../src/lib/clock.ts'

/** How a virtual process behaves. */
export type Script = {
  /** Ends by itself after so long; null: never. */
  endsAfterMs: number | null
  cause: Cause
  /** Answers the stop signal after so long; null: ignores it until SIGKILL. */
  stopsAfterMs: number | null
  /** Survives SIGKILL for so long, as a process in an uninterruptible sleep does. */
  stuckMs: number
  /** Processes left behind by the command live on so long after it. */
  leftoverMs: number
  /** Cannot be started: why. */
  startFails: Cause | null
  check: (nowMs: number) => CheckResult
  writesEveryMs: number | null
}

export const forever: Script = {
  endsAfterMs: null,
  cause: { kind: 'exit', code: 0 },
  stopsAfterMs: 50,
  stuckMs: 0,
  leftoverMs: 0,
  startFails: null,
  check: () => ({ ok: true, detail: '' }),
  writesEveryMs: null,
}
export const exits = (endsAfterMs: number, code = 0): Script => ({
  ...forever,
  endsAfterMs,
  cause: { kind: 'exit', code },
})

export type VirtualRun = {
  plan: RunPlan
  script: Script
  pid: number
  bootId: string
  startedAt: number
  endedAt: number | null
  cause: Cause | null
  alive: boolean
  supervised: boolean
  suspended: boolean
  stop: { order: StopOrder; killAt: number; kill: () => void } | null
  killed: boolean
  limits: RunPlan['limits']
  cancels: Cancel[]
}

const littleUsage = { cpuMs: 1, memBytes: 1, peakMemBytes: 1, readBytes: 0, writtenBytes: 0 }

export class FakeMachine {
  readonly runs = new Map<string, VirtualRun>()
  /** Every key that was ever started, in order: tests look for doubles here. */
  readonly started: string[] = []
  /** Called with each exec and each end of a run's last process. */
  onExec: (run: VirtualRun) => void = () => {}
  onEmpty: (run: VirtualRun) => void = () => {}
  /** Runs whose owner's file system hangs: what is left of them cannot be removed. */
  hangs: (key: string) => boolean = () => false
  bootId = 'boot-1'
  /** Of every run. */
  usage: Usage = littleUsage
  lease: LeaseRecord | null = null
  /** Rises whenever a run begins, ends or is killed. */
  changes = 0
  /** Off: a shepherd does not look at the lease before exec. */
  readsLease = true
  #nextPid = 1000
  readonly clock: Clock
  readonly script: (plan: RunPlan) => Script
  #listener: ((key: string | null) => void) | null = null

  constructor(clock: Clock, script: (plan: RunPlan) => Script = () => forever) {
    this.clock = clock
    this.script = script
  }

  /** What a new start of the agent sees; the driver before it is deaf from now on. */
  driver(enforcement: Enforcement = 'cgroup2'): RunDriver {
    let open = true
    const tell = (key: string | null) => open && this.#heard?.(key)
    this.#listener = tell
    const run = (key: string) => this.runs.get(key)
    return {
      enforcement,
      expectStart: () => {},
      start: async (plan) => this.#start(plan),
      list: async () => [...this.runs.values()].map((one) => this.#facts(one)),
      facts: async (key) => {
        const found = run(key)
        return found === undefined ? null : this.#facts(found)
      },
      stop: async (key, order) => this.#stop(run(key), order),
      suspend: async (key) => void (run(key) && (run(key)!.suspended = true)),
      resume: async (key) => void (run(key) && (run(key)!.suspended = false)),
      makeSingleCopy: async (key) => {
        const found = run(key)
        if (found !== undefined) found.plan = { ...found.plan, singleCopy: true }
      },
      limit: async (key, limits) => {
        const found = run(key)
        if (found !== undefined) found.limits = limits
        return found !== undefined
      },
      check: async (key) =>
        run(key)?.script.check(this.clock.now()) ?? { ok: false, detail: 'gone' },
      remove: async (key) => {
        if (this.hangs(key)) return new Promise(() => {})
        if (run(key)?.alive === true) throw new Error(`${key} is populated`)
        this.runs.delete(key)
      },
      onChange: (listener) => {
        this.#heard = listener
      },
      close: async () => {
        open = false
      },
    }
  }
  #heard: ((key: string | null) => void) | null = null

  living(): VirtualRun[] {
    return [...this.runs.values()].filter((run) => run.alive)
  }

  /** The shepherd dies; its run goes on, and what it ends with is never known. */
  loseShepherd(key: string): void {
    const run = this.runs.get(key)
    if (run !== undefined) run.supervised = false
  }

  /** The machine is started again: nothing lives, folders stay; `lost` folders did not reach the disk. */
  reboot(bootId: string, lost: (key: string) => boolean = () => false): void {
    for (const [key, run] of this.runs) {
      this.#cancel(run)
      if (run.alive) {
        run.alive = false
        run.supervised = false
        this.onEmpty(run)
      }
      if (lost(key)) this.runs.delete(key)
    }
    this.changes += 1
    this.bootId = bootId
    this.#heard = null
  }

  /** What shepherd and node fence do by themselves: call when the clock moved. */
  fence(): void {
    // Timers stand still while a machine sleeps; a shepherd counts by a clock that does not, and looks each second.
    for (const { stop, killed } of this.living())
      if (stop !== null && !killed && this.clock.uptime() >= stop.killAt) stop.kill()
    const { lease } = this
    if (lease === null || lease.kind === 'endless') return
    const cause: Cause = { kind: 'lease-expired', node: 'node' }
    const uptime = this.clock.uptime()
    const sameBoot = lease.bootId === this.bootId
    for (const run of this.living().filter((one) => one.plan.singleCopy)) {
      if (!sameBoot || uptime >= lease.killAtUptimeMs) {
        this.#stop(run, { cause, signal: 'SIGKILL', graceMs: 0 })
      } else if (uptime >= lease.termAtUptimeMs) {
        const graceMs = lease.killAtUptimeMs - uptime
        this.#stop(run, { cause, signal: 'SIGTERM', graceMs })
      }
    }
  }

  #start(plan: RunPlan): void {
    if (this.runs.has(plan.key)) throw new Error(`${plan.key} is there already`)
    const script = this.script(plan)
    this.#nextPid += 1
    const run: VirtualRun = {
      plan,
      script,
      pid: this.#nextPid,
      bootId: this.bootId,
      startedAt: this.clock.now(),
      endedAt: null,
      cause: script.startFails,
      alive: script.startFails === null,
      supervised: true,
      suspended: false,
      stop: null,
      killed: false,
      limits: plan.limits,
      cancels: [],
    }
    if (plan.singleCopy && this.readsLease && !this.#leaseAllows()) {
      run.alive = false
      run.cause = { kind: 'lease-expired', node: 'node' }
    }
    this.runs.set(plan.key, run)
    this.changes += 1
    if (run.alive) {
      this.started.push(plan.key)
      this.onExec(run)
      if (script.endsAfterMs !== null) this.#end(run, script.endsAfterMs, script.cause)
    } else run.endedAt = run.startedAt
    this.#tell(plan.key)
  }

  /** The last look of a shepherd before exec. */
  #leaseAllows(): boolean {
    const { lease } = this
    if (lease === null || lease.kind === 'endless') return true
    return lease.bootId === this.bootId && this.clock.uptime() < lease.termAtUptimeMs
  }

  #end(run: VirtualRun, afterMs: number, cause: Cause): void {
    const end = () => {
      if (!run.alive || run.endedAt !== null) return
      run.endedAt = this.clock.now()
      run.cause = run.supervised ? cause : null
      this.#tell(run.plan.key)
      this.#empty(run, run.killed ? 0 : run.script.leftoverMs)
    }
    run.cancels.push(this.clock.after(afterMs, end))
  }

  #empty(run: VirtualRun, afterMs: number): void {
    const empty = () => {
      if (!run.alive) return
      run.alive = false
      this.changes += 1
      this.#cancel(run)
      this.onEmpty(run)
      this.#tell(run.plan.key)
    }
    if (afterMs === 0) empty()
    else run.cancels.push(this.clock.after(afterMs, empty))
  }

  #stop(run: VirtualRun | undefined, order: StopOrder): void {
    if (run === undefined || !run.alive) return
    const killAt = this.clock.uptime() + order.graceMs
    if (run.stop !== null && run.stop.killAt <= killAt) return
    const first = run.stop === null
    const { cause } = run.stop?.order ?? order
    const kill = () => {
      run.killed = true
      this.changes += 1
      this.#end(run, run.script.stuckMs, cause)
      if (run.endedAt !== null) this.#empty(run, run.script.stuckMs)
    }
    run.stop = { order: run.stop?.order ?? order, killAt, kill }
    if (first && run.endedAt === null && run.script.stopsAfterMs !== null) {
      this.#end(run, run.script.stopsAfterMs, cause)
    }
    run.cancels.push(this.clock.after(order.graceMs, kill))
  }

  #facts(run: VirtualRun): RunFacts {
    const everyMs = run.script.writesEveryMs
    const now = this.clock.now()
    const lastOutputAt = everyMs === null ? null : now - ((now - run.startedAt) % everyMs)
    const began = run.script.startFails === null
    return {
      key: run.plan.key,
      pid: began ? run.pid : null,
      startedAt: began ? run.startedAt : null,
      endedAt: run.endedAt,
      outMark: null,
      errMark: null,
      populated: run.alive,
      supervised: run.supervised && run.alive,
      cause: run.cause,
      usage: this.usage,
      stuck: run.killed && run.alive ? [{ pid: run.pid, state: 'D', waitChannel: 'nfs' }] : [],
      lastOutputAt,
      oddity: null,
    }
  }

  #tell(key: string): void {
    const listener = this.#listener
    if (listener === null) return
    // As a watcher would: soon, never within the call.
    this.clock.after(1, () => {
      if (listener === this.#listener) listener(key)
    })
  }

  #cancel(run: VirtualRun): void {
    for (const cancel of run.cancels) cancel()
    run.cancels = []
  }
}
