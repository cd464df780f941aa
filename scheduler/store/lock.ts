/**
 * One scheduler for one data folder: an exclusive SQLite lock on a file of its own, held for the life of the
 * process. The kernel drops it with the process, also at kill -9, and the database itself stays readable for others.
 */
import SqliteDatabase from 'better-sqlite3'

import { createPrivately } from './connection.ts'
import { toStoreError } from './failure.ts'
import { StoreError } from './store.ts'

export type Lock = { release(): void }

export function takeLock(path: string): Lock {
  const file = `${path}-lock`
  let db: SqliteDatabase.Database | undefined
  try {
    createPrivately(file)
    db = new SqliteDatabase(file, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    const refused = toStoreError(error, file)
    if (refused.kind !== 'locked') throw refused
    throw new StoreError(
      'locked',
      `another scheduler is running on ${path}: stop it first, or choose another data folder`,
      { cause: error },
    )
  }
  const held = db
  return { release: () => held.close() }
}
