/**
 * What lies between two machines: messages are lost, late, out of order, said twice; a way can be cut in one
 * direction; a host that is up refuses where nobody listens, one that is off or cut off says nothing.
 */
import type { Host } from './host.ts'
import type { Random } from './random.ts'
import type { SimProcess, World } from './world.ts'

export type NetworkFaults = { loss: number; duplicates: number; slow: number; meanMs: number }

const calm: NetworkFaults = { loss: 0, duplicates: 0, slow: 0, meanMs: 2 }

/** What a caller gets; a lost reply is never told: callers have time-outs of their own. */
export type Served<T> = { kind: 'reply'; value: T } | { kind: 'refused' }

export type Caller = { host: Host; process: SimProcess; patienceMs: number }
/** `heard`: it has arrived there, and waits for its turn. */
export type Service<T> = { process: SimProcess; heard?: () => void; work: () => Promise<T> }

export class Network {
  faults: NetworkFaults = calm
  readonly world: World
  readonly #random: Random
  /** `from>to` of ways on which nothing gets through, and how many times they are cut. */
  readonly #cut = new Map<string, number>()

  constructor(world: World, random: Random) {
    this.world = world
    this.#random = random
  }

  cut(from: string, to: string): void {
    this.#count(from, to, 1)
  }

  heal(from: string, to: string): void {
    this.#count(from, to, -1)
  }

  isCut(from: string, to: string): boolean {
    return (this.#cut.get(`${from}>${to}`) ?? 0) > 0
  }

  #count(from: string, to: string, change: 1 | -1): void {
    const way = `${from}>${to}`
    this.#cut.set(way, Math.max(0, (this.#cut.get(way) ?? 0) + change))
  }

  healAll(): void {
    this.#cut.clear()
    this.faults = calm
  }

  delay(): number {
    const { slow, meanMs } = this.faults
    if (this.#random.chance(slow)) return this.#random.delay(Math.min(meanMs * 500, 25_000))
    return 0.2 + this.#random.delay(meanMs)
  }

  /**
   * Once, twice or never, each after a time of its own; a way that is cut on arrival lets nothing through. `arrive`
   * only hands on to a process.
   */
  send(from: Host, to: Host, arrive: () => void): void {
    const { loss, duplicates } = this.faults
    if (this.#random.chance(loss)) return
    const copies = this.#random.chance(duplicates) ? 2 : 1
    if (this.isCut(from.name, to.name)) return
    for (let copy = 0; copy < copies; copy += 1) {
      const hop = (): void => {
        if (!this.isCut(from.name, to.name) && to.isOn) arrive()
      }
      this.world.after(this.delay(), null, hop, true)
    }
  }

  /**
   * One call to whatever daemon listens on `to`; `serve` gives its work, or null where none listens. As with TCP,
   * a daemon hears only of callers that still wait, and what was said to one is not heard by the next.
   */
  call<T>(from: Caller, to: Host, serve: () => Service<T> | null): Promise<Served<T>> {
    const sentAt = this.world.now
    let heardBy: SimProcess | null = null
    return new Promise((resolve) => {
      const back = (value: Served<T>): void => {
        this.send(to, from.host, () => this.world.after(0, from.process, () => resolve(value)))
      }
      this.send(from.host, to, () => {
        if (to.isAsleep || from.process.dead || this.world.now - sentAt > from.patienceMs) return
        const found = serve()
        if (found === null) return back({ kind: 'refused' })
        heardBy ??= found.process
        if (heardBy !== found.process) return
        found.heard?.()
        this.world.after(0, found.process, () => {
          // A process that dies meanwhile says nothing.
          found.work().then(
            (value) => back({ kind: 'reply', value }),
            () => {},
          )
        })
      })
    })
  }
}
