/**
 * The scheduler's disk: the real engine on SQLite, slow as disks are, and outliving the scheduler. A commit can
 * fail, or the scheduler can die before it, within it, or after it and before anybody hears.
 */
import { openEngine, type Engine } from '../../scheduler/store/engine.ts'
import { storeOn } from '../../scheduler/store/in-thread-store.ts'
import { StoreError, type Store } from '../../scheduler/store/store.ts'
import type { Random } from './random.ts'
import type { SimProcess, World } from './world.ts'

export type CommitFault = 'crash-before' | 'crash-inside' | 'crash-after' | 'fails'

class Torn extends Error {}

export class Disk {
  /** Befalls the next commit. */
  next: CommitFault | null = null
  isFull = false
  /** Operations that are under way. */
  busy = 0
  readonly #world: World
  readonly #random: Random
  readonly #path: string
  #engine: Engine | null = null

  constructor(world: World, random: Random, path: string) {
    this.#world = world
    this.#random = random
    this.#path = path
  }

  /** For the checks, which look at what is on disk now. */
  get engine(): Engine {
    this.#engine ??= openEngine(this.#path, { reserveBytes: 0 })
    return this.#engine
  }

  /** After a crash: what is in a file is read anew; a database in memory stays open, as its disk would. */
  reopen(): void {
    this.busy = 0
    if (this.#path === ':memory:') return
    this.#engine?.close()
    this.#engine = null
  }

  close(): void {
    this.#engine?.close()
    this.#engine = null
  }

  /** The store as one start of the scheduler has it; `crash` ends that start. */
  storeFor(process: SimProcess, crash: (why: string) => void): Store {
    const engine = this.engine
    const store = storeOn(engine, (point) => {
      if (point === 'inside' && this.next === 'crash-inside') throw new Torn()
      if (point === 'inside' && (this.isFull || this.next === 'fails')) {
        this.next = null
        throw new StoreError('failed', 'the disk does not take it')
      }
    })
    let line: Promise<unknown> = Promise.resolve()
    // In order, one at a time, as the store's thread works.
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      this.busy += 1
      const turn = line.then(async () => {
        await this.#world.wait(this.#random.delay(1.5), process)
        return work()
      })
      line = turn.catch(() => {})
      const over = (): void => {
        if (!process.dead) this.busy -= 1
      }
      void turn.then(over, over)
      return turn
    }
    const never = new Promise<never>(() => {})
    const commit: Store['commit'] = (changes) =>
      inTurn(async () => {
        const fault = this.next
        if (fault === 'crash-inside') await store.commit(changes).catch(() => {})
        else if (fault !== 'crash-before') await store.commit(changes)
        if (fault === null || fault === 'fails') return
        this.next = null
        crash(fault)
        await never
      })
    return {
      load: () => inTurn(() => store.load()),
      commit,
      query: (name, args) => inTurn(() => store.query(name, args)),
      prune: (olderThan, limit) => inTurn(() => store.prune(olderThan, limit)),
      backup: (path) => store.backup(path),
      close: async () => {},
    }
  }
}
