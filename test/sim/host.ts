/** A machine: its power, its clocks, and the processes that stop with it. */
import type { Cancel, Clock } from '../../src/lib/clock.ts'
import { SimProcess, type World } from './world.ts'

const startOfTimeMs = Date.UTC(2026, 2, 28, 23, 0)

export class Host {
  readonly name: string
  readonly world: World
  isOn = true
  isAsleep = false
  /** Rises when it goes on or off, to sleep or awake. */
  changes = 0
  boot = 1
  /** Stands for all that is not the daemon: kernel, fence, shepherds, jobs. */
  kernel: SimProcess
  daemon: SimProcess | null = null
  wallOffsetMs = 0
  /** When it last woke or was switched on, in world time. */
  awakeSince = 0
  /** So long it slept in all, in world time. */
  sleptMs = 0
  #asleepSince = 0
  #bootedAt: number
  readonly #rate: number

  constructor(world: World, name: string, driftPpm: number) {
    this.world = world
    this.name = name
    this.kernel = new SimProcess(`${name} kernel`)
    this.#rate = 1 + driftPpm / 1e6
    this.#bootedAt = world.now - 1_000_000
  }

  get bootId(): string {
    return `${this.name}-boot-${this.boot}`
  }

  now(): number {
    return Math.floor(startOfTimeMs + this.world.now * this.#rate + this.wallOffsetMs)
  }

  uptime(): number {
    // In hundredths of a second, as /proc/uptime tells it.
    return Math.floor(((this.world.now - this.#bootedAt) * this.#rate) / 10) * 10
  }

  after(process: SimProcess, delayMs: number, call: () => void): Cancel {
    // Never early, and a little late, as timers are.
    const lateMs = 0.05 + this.world.random.next() * 0.5
    return this.world.after(Math.max(0, delayMs) / this.#rate + lateMs, process, call)
  }

  /** The clock as one process of the machine has it: its timers end with it. */
  clockOf(process: SimProcess): Clock {
    return {
      now: () => this.now(),
      uptime: () => this.uptime(),
      after: (delayMs, call) => this.after(process, delayMs, call),
    }
  }

  kernelClock(): Clock {
    return {
      now: () => this.now(),
      uptime: () => this.uptime(),
      after: (delayMs, call) => this.after(this.kernel, delayMs, call),
    }
  }

  startDaemon(name: string): SimProcess {
    const process = new SimProcess(`${this.name} ${name}`)
    if (this.isAsleep) this.world.freeze(process, 'asleep')
    this.daemon = process
    return process
  }

  killDaemon(): void {
    if (this.daemon !== null) this.world.kill(this.daemon)
    this.daemon = null
  }

  sleep(): void {
    if (!this.isOn || this.isAsleep) return
    this.isAsleep = true
    this.#asleepSince = this.world.now
    this.changes += 1
    this.world.freeze(this.kernel, 'asleep')
    if (this.daemon !== null) this.world.freeze(this.daemon, 'asleep')
  }

  wake(): void {
    if (!this.isAsleep) return
    this.isAsleep = false
    this.sleptMs += this.world.now - this.#asleepSince
    this.changes += 1
    this.awakeSince = this.world.now
    this.world.thaw(this.kernel)
    if (this.daemon !== null) this.world.thaw(this.daemon)
  }

  /** For one that was not there before. */
  bootsNow(): void {
    this.#bootedAt = this.world.now
  }

  powerOff(): void {
    this.isOn = false
    this.isAsleep = false
    this.changes += 1
    this.killDaemon()
    this.world.kill(this.kernel)
  }

  powerOn(): void {
    this.isOn = true
    this.changes += 1
    this.boot += 1
    this.kernel = new SimProcess(`${this.name} kernel`)
    this.#bootedAt = this.world.now
    this.awakeSince = this.world.now
  }
}
