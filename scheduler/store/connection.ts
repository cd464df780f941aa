/** Opens the database file, for writing or, where it cannot be written, for reading alone. */
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'

import SqliteDatabase, { type Database } from 'better-sqlite3'

import { StoreError } from './store.ts'

const busyMs = 5000

/** Before SQLite does, which would let everybody read it. */
export function createPrivately(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
}

export function openForWriting(path: string): Database {
  if (path !== ':memory:') createPrivately(path)
  const db = new SqliteDatabase(path, { timeout: busyMs })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    // Four times the usual: a page that changes often goes to the database file less often.
    db.pragma('wal_autocheckpoint = 4000')
    // Sorting needs no file, which a full disk could not give.
    db.pragma('temp_store = MEMORY')
    db.pragma('journal_size_limit = 67108864')
    // 1 MiB instead of 16: what is read again is in the machine's own cache.
    db.pragma(`cache_size = -${smallCacheKiB}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const smallCacheKiB = 1024
/** Rows that touch more pages than the small cache holds. */
const manyRows = 4_000
const largeCacheKiB = 16_384

/** A commit of many rows has a larger cache while it is made: a page that leaves early is written and read twice. */
export function withCacheFor(db: Database, rows: number, work: () => void): void {
  if (rows < manyRows) return work()
  db.pragma(`cache_size = -${largeCacheKiB}`)
  try {
    work()
  } finally {
    db.pragma(`cache_size = -${smallCacheKiB}`)
    db.pragma('shrink_memory')
  }
}

/** Several ways, because a database in WAL mode wants to write even where it is only read. */
export function openForReading(path: string): Database {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new StoreError('read-only', `there is no database at ${path}`)
  // Opening a FIFO waits for who writes into it, reading a device never ends.
  if (!found.isFile()) throw new StoreError('failed', `${path} is not a plain file`)
  const ways = [
    () => new SqliteDatabase(path, { readonly: true, timeout: busyMs }),
    () => exclusively(path),
    ...(existsSync(`${path}-wal`) ? [] : [() => fromCopyInMemory(path)]),
  ]
  let first: unknown
  for (const way of ways) {
    let db: Database | undefined
    try {
      db = way()
      db.prepare('SELECT 1 FROM sqlite_schema').get()
      db.pragma('temp_store = MEMORY')
      return db
    } catch (error) {
      db?.close()
      // Who holds it may be in the middle of writing: the other ways would read past the lock.
      if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) throw error
      first ??= error
    }
  }
  throw first
}

/** On a full disk: no shared memory file is needed. */
function exclusively(path: string): Database {
  const db = new SqliteDatabase(path, { fileMustExist: true, timeout: busyMs })
  db.pragma('locking_mode = EXCLUSIVE')
  db.pragma('query_only = ON')
  return db
}

/** On a read-only file system, after an orderly end: bytes 18 and 19 say that no log belongs to it. */
function fromCopyInMemory(path: string): Database {
  const bytes = readFileSync(path)
  bytes.fill(1, 18, 20)
  return new SqliteDatabase(bytes, { readonly: true })
}
