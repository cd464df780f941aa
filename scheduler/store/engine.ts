/** The store without its thread: synchronous calls on one SQLite database. */
import { rmSync } from 'node:fs'

import type { Database } from 'better-sqlite3'

import { rowsOf, type Batch } from './batch.ts'
import { openForReading, openForWriting, withCacheFor } from './connection.ts'
import { guarded, toStoreError } from './failure.ts'
import { readPieces, type Piece } from './load.ts'
import { takeLock, type Lock } from './lock.ts'
import { checkSchema, migrate, migrationsIn, versionOf, type Migration } from './migrate.ts'
import { prunerOn } from './prune.ts'
import { answersOn } from './queries.ts'
import { noReserve, openReserve, type Reserve } from './reserve.ts'
import { StoreError, type Queries, type QueryName, type Store } from './store.ts'
import { makeDraft, settleDraft } from './whole-file.ts'
import { writerOn } from './write.ts'

/** Called around each commit; what it throws ends the commit there, as a crash would. */
export type Fault = (point: 'before' | 'inside' | 'after', db: Database) => void

export type EngineOptions = {
  readOnly?: boolean
  /** Space kept back for the time when the disk is full; 0 for none. */
  reserveBytes?: number
  /** False when the reserve was given up: only what makes room should be taken now. True when it is back. */
  onReserve?: (held: boolean) => void
  migrations?: readonly Migration[]
}

export type Engine = {
  load(emit: (piece: Piece) => void): void
  /** One transaction: all or none, on disk when it returns. */
  commit(batch: Batch, fault?: Fault): void
  query<Q extends QueryName>(name: Q, args: Queries[Q]['args']): Queries[Q]['result']
  prune: (...args: Parameters<Store['prune']>) => number
  /** Moves the log into the database file, as far as nobody reads from it; what fails now is tried with a later commit. */
  checkpoint(): void
  backup(path: string): Promise<void>
  close(): void
}

const defaultReserveBytes = 8 << 20

export function openEngine(path: string, options: EngineOptions = {}): Engine {
  return guarded(path, () =>
    options.readOnly ? openReader(path, options) : openWriter(path, options),
  )
}

function openReader(path: string, { migrations = migrationsIn() }: EngineOptions): Engine {
  const db = openForReading(path)
  const refuse = (): never => {
    throw new StoreError('read-only', `${path} is open for reading only`)
  }
  try {
    checkSchema(db, migrations.length)
    if (versionOf(db) < migrations.length)
      throw new StoreError(
        'read-only',
        `${path} has an old schema and cannot be written to renew it`,
      )
    const close = () => db.close()
    return { ...readsOf(db, path), commit: refuse, prune: refuse, checkpoint: () => {}, close }
  } catch (error) {
    db.close()
    throw error
  }
}

function openWriter(path: string, options: EngineOptions): Engine {
  const lock = path === ':memory:' ? undefined : takeLock(path)
  let db: Database | undefined
  try {
    db = openForWriting(path)
    migrate(db, options.migrations ?? migrationsIn())
    db.pragma('foreign_keys = ON')
    return writing(db, path, options, lock)
  } catch (error) {
    db?.close()
    lock?.release()
    throw error
  }
}

function writing(db: Database, path: string, options: EngineOptions, lock?: Lock): Engine {
  const { reserveBytes = defaultReserveBytes, onReserve = () => {} } = options
  const reserve =
    db.memory || reserveBytes === 0 ? noReserve : openReserve(`${path}-reserve`, reserveBytes)
  if (!reserve.held) onReserve(false)
  const write = writerOn(db)
  const commit = db.transaction((batch: Batch, fault?: Fault) => {
    write(batch)
    fault?.('inside', db)
  })
  const prune = db.transaction(prunerOn(db))
  const withRoom = withRoomFrom(reserve, path, onReserve)
  const version = versionOf(db)
  // The same number again: what cannot be written at all is known now, not at the first change.
  withRoom(() => db.transaction(() => db.pragma(`user_version = ${version}`)).immediate())
  return {
    ...readsOf(db, path),
    commit: (batch, fault) => {
      withRoom(() => {
        fault?.('before', db)
        withCacheFor(db, rowsOf(batch), () => commit.immediate(batch, fault))
        fault?.('after', db)
      })
    },
    prune: (olderThan, limit) => withRoom(() => prune.immediate(olderThan, limit)),
    checkpoint: () => {
      try {
        db.pragma('wal_checkpoint(PASSIVE)')
      } catch {
        // Closed meanwhile, or no room: the log keeps what is in it.
      }
    },
    close: () => {
      db.close()
      lock?.release()
    },
  }
}

/** Tries once more with the space of the reserve when there is none; takes it back when there is. */
function withRoomFrom(reserve: Reserve, path: string, onReserve: (held: boolean) => void) {
  return <T>(work: () => T): T => {
    if (!reserve.held && reserve.restore()) onReserve(true)
    try {
      return work()
    } catch (error) {
      const refused = toStoreError(error, path)
      if (refused.kind !== 'full' || !reserve.release()) throw refused
      onReserve(false)
      return guarded(path, work)
    }
  }
}

function readsOf(db: Database, path: string): Pick<Engine, 'load' | 'query' | 'backup'> {
  const answers = answersOn(db)
  const loaded = db.transaction((emit: (piece: Piece) => void) => readPieces(db, emit))
  return {
    load: (emit) => guarded(path, () => loaded(emit)),
    query: (name, args) => guarded(path, () => answers[name](args)),
    backup: async (to) => {
      let draft: string | undefined
      try {
        draft = makeDraft(to)
        await db.backup(draft)
        settleDraft(draft, to)
      } catch (error) {
        if (draft !== undefined) rmSync(draft, { force: true })
        throw toStoreError(error, to)
      }
    },
  }
}
