import { batchOf } from '../../scheduler/store/batch.ts'
import type { BackupMark, Snapshot } from '../../scheduler/store/change.ts'
/**
 * The scheduler's disk: the real engine on SQLite, slow as disks are, and outliving the scheduler. A commit can
 * fail, or the scheduler can die before it, within it, or after it and before anybody hears. Nothing is synced for
 * real: no machine loses its power here, and what would be lost with it is torn off by hand.
 */
import { openEngine, type Engine } from '../../scheduler/store/engine.ts'
import { storeOn } from '../../scheduler/store/in-thread-store.ts'
import { addPiece, emptySnapshot } from '../../scheduler/store/load.ts'
import { migrationsIn } from '../../scheduler/store/migrate.ts'
import { furthest } from '../../scheduler/store/restore.ts'
import { StoreError, type Store } from '../../scheduler/store/store.ts'
import { DiskFiles } from './disk-files.ts'
import type { Random } from './random.ts'
import type { SimProcess, World } from './world.ts'

/** `torn`: the machine's power fails while the commit is written; only files can be torn. */
export type CommitFault = 'crash-before' | 'crash-inside' | 'torn' | 'crash-after' | 'fails'

class Torn extends Error {}

const migrations = migrationsIn()

export class Disk {
  /** Befalls the next commit. */
  next: CommitFault | null = null
  /** Befalls the next commit with the firing of a schedule. */
  atFiring: CommitFault | null = null
  /** Called once, right after the next commit with a new job. */
  atSubmit: (() => void) | null = null
  isFull = false
  /** Operations that are under way. */
  busy = 0
  readonly #world: World
  readonly #random: Random
  /** Null: in memory, where a crash loses what was not committed, and no more can befall it. */
  readonly files: DiskFiles | null
  #engine: Engine | null = null
  /** Null when something was written since. */
  #found: Snapshot | null = null

  constructor(world: World, random: Random, isOnDisk: boolean) {
    this.#world = world
    this.#random = random
    this.files = isOnDisk ? new DiskFiles(random.fork()) : null
  }

  /** For the checks, which look at what is on disk now. */
  get engine(): Engine {
    this.#engine ??= openEngine(this.files?.path ?? ':memory:', { reserveBytes: 0, migrations })
    return this.#engine
  }

  /** The scheduler has died: what is in files is read anew; a database in memory stays open, as its disk would. */
  crash(): void {
    this.busy = 0
    if (this.files !== null) this.#leave((files) => files.crash())
  }

  /** As `eg restore` does: the copy says of itself what it is, and what the database had given out whose place it takes. */
  restore(now: number): void {
    const { meta, newestJob } = this.snapshot()
    const own = {
      incarnation: Number(meta['incarnation'] ?? 0),
      nextJob: Math.max(Number(meta['nextJob'] ?? 1), newestJob + 1),
    }
    const text = meta['backup'] ?? ''
    const before = text === '' ? null : (JSON.parse(text) as BackupMark)
    const seen = furthest(own, before?.seen ?? null)
    this.#leave((files) => files.restore())
    const mark = { madeAt: this.files?.backupAt ?? now, version: 'sim', secrets: {}, seen }
    this.#found = null
    this.engine.commit(batchOf([{ put: 'meta', key: 'backup', value: JSON.stringify(mark) }]))
  }

  leaveForEmpty(): void {
    this.#leave((files) => files.leaveForEmpty())
  }

  comeBack(): void {
    this.#leave((files) => files.comeBack())
  }

  /** What a scheduler that starts now would find: read once for all checks of one moment. */
  snapshot(): Snapshot {
    const { engine } = this
    if (this.#found !== null) return this.#found
    const snapshot = emptySnapshot()
    engine.load((piece) => addPiece(snapshot, piece))
    this.#found = snapshot
    return snapshot
  }

  close(): void {
    this.#engine?.close()
    this.#engine = null
    this.files?.remove()
  }

  #leave(how: (files: DiskFiles) => void): void {
    if (this.files === null) return
    how(this.files)
    this.#engine?.close()
    this.#engine = null
    this.#found = null
  }

  /** The store as one start of the scheduler has it; `crash` ends that start. */
  storeFor(process: SimProcess, crash: (why: string) => void): Store {
    const engine = this.engine
    let syncedBytes = 0
    let isUnsynced = false
    const store = storeOn(engine, (point, db) => {
      if (point === 'before') {
        this.#found = null
        if (!isUnsynced) db.pragma('synchronous = OFF')
        isUnsynced = true
        syncedBytes = this.files?.walBytes ?? 0
      }
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
        const fires = changes.some((change) => 'put' in change && change.put === 'firing')
        if (fires && this.atFiring !== null) {
          this.next = this.atFiring
          this.atFiring = null
        }
        const fault = this.next
        if (fault === 'crash-inside') await store.commit(changes).catch(() => {})
        else if (fault !== 'crash-before') await store.commit(changes)
        const submits = changes.some((one) => 'put' in one && one.put === 'job' && one.row.specJson)
        if (fault === null && submits) {
          this.atSubmit?.()
          this.atSubmit = null
        }
        if (fault === null || fault === 'fails') return
        this.next = null
        crash(fault)
        if (fault === 'torn') this.#leave((files) => files.tear(syncedBytes))
        await never
      })
    return {
      load: () => inTurn(() => store.load()),
      commit,
      query: (name, args) => inTurn(() => store.query(name, args)),
      prune: (olderThan, limit) =>
        inTurn(() => {
          this.#found = null
          return store.prune(olderThan, limit)
        }),
      backup: (path) => store.backup(path),
      close: async () => {},
    }
  }
}
