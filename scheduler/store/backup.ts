/**
 * `eg backup`: a consistent, verified copy of a database that may be in use. It reads beside the scheduler, as any
 * reader of a WAL database may, and writes with the rights of whoever asks: docs/decisions/0010.
 */
import { existsSync, lstatSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import SqliteDatabase, { type Database } from 'better-sqlite3'

import type { BackupMark } from './change.ts'
import { findDamage } from './check.ts'
import { openForReading } from './connection.ts'
import { guarded, toStoreError } from './failure.ts'
import { checkFilled, versionOf } from './migrate.ts'
import { databaseIn } from './open.ts'
import { StoreError } from './store.ts'
import { makeDraft, settleDraft } from './whole-file.ts'

export const secretNames = ['secret', 'node-secret', 'authority-key.pem', 'authority.pem'] as const

export type BackupOptions = {
  folder: string
  file: string
  overwrite: boolean
  version: string
  now: number
  /** Newest schema that is known here. */
  schema: number
}

export type BackupFacts = {
  bytes: number
  schema: number
  grid: string | null
  liveJobs: number
  secrets: string[]
}

/** Throws a StoreError, and then there is no new file. */
export function backUp(options: BackupOptions): BackupFacts {
  refuseTarget(options)
  const ours = databaseIn(options.folder)
  const source = guarded(ours, () => openForReading(ours))
  try {
    const mark = guarded(ours, () => markOf(source, options))
    return guarded(options.file, () => writeCopy(source, mark, options))
  } finally {
    source.close()
  }
}

function markOf(source: Database, { folder, version, now, schema }: BackupOptions): BackupMark {
  checkFilled(source, schema)
  // Of a database that was restored and not started since: it has still to jump, and is as old as its backup.
  const before = readMark(source)
  const [madeAt, seen] = [before?.madeAt ?? now, before?.seen ?? null]
  return { madeAt, version, secrets: secretsIn(folder), seen }
}

function writeCopy(source: Database, mark: BackupMark, options: BackupOptions): BackupFacts {
  const { folder, file, overwrite } = options
  const draft = makeDraft(file, `.${process.pid}`)
  try {
    copyInto(draft, source, databaseIn(folder))
    const facts = seal(draft, mark)
    settleDraft(draft, file, { overwrite })
    return { ...facts, bytes: statSync(file).size, secrets: Object.keys(mark.secrets) }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** One statement reads the one and writes the other: damage is of what is read, for the draft is new. */
export function copyInto(draft: string, source: Database, from: string): void {
  try {
    source.prepare('VACUUM INTO ?').run(draft)
  } catch (error) {
    const read = toStoreError(error, from)
    throw read.kind === 'damaged' ? read : error
  }
}

function refuseTarget({ folder, file, overwrite }: BackupOptions): void {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found === undefined) return
  // A device or a folder is nobody's backup.
  if (!found.isFile()) throw new StoreError('failed', `${file} exists and is not a plain file`)
  // Whatever it is called: a scheduler would go on with a database that has no name any more.
  const isOurs = ownFiles(folder).some((path) => {
    const own = statSync(path, { throwIfNoEntry: false })
    return own?.ino === found.ino && own.dev === found.dev
  })
  if (isOurs) throw new StoreError('failed', `${file} belongs to the scheduler and is no backup`)
  if (!overwrite) throw new StoreError('exists', `${file} exists: nothing was written`)
}

const ownFiles = (folder: string): string[] => [
  ...['', '-wal', '-shm', '-lock', '-reserve'].map((end) => databaseIn(folder) + end),
  ...secretNames.map((name) => join(folder, name)),
]

/** Marks the copy and proves it: what is told as done can be restored. */
function seal(path: string, mark: BackupMark): Omit<BackupFacts, 'bytes' | 'secrets'> {
  const db = new SqliteDatabase(path, { fileMustExist: true })
  try {
    db.pragma('journal_mode = DELETE')
    writeMark(db, mark)
    const damage = findDamage(db)
    if (damage.length > 0)
      throw new StoreError('damaged', `the copy is damaged, and was not kept: ${damage[0]}`)
    return { schema: versionOf(db), grid: metaOf(db, 'grid'), liveJobs: liveJobsIn(db) }
  } finally {
    db.close()
  }
}

export const writeMark = (db: Database, mark: BackupMark): void => {
  db.prepare(
    `INSERT INTO meta (key, value) VALUES ('backup', ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  ).run(JSON.stringify(mark))
}

/** Null of a database that `eg backup` did not make. */
export function readMark(db: Database): BackupMark | null {
  const text = metaOf(db, 'backup')
  return text === null || text === '' ? null : (JSON.parse(text) as BackupMark)
}

export const metaOf = (db: Database, key: string): string | null =>
  db.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck().get(key) ?? null

export const liveJobsIn = (db: Database): number =>
  db.prepare<[], number>('SELECT count(*) FROM job WHERE finishedAt IS NULL').pluck().get() ?? 0

function secretsIn(folder: string): Record<string, string> {
  const found = secretNames.filter((name) => existsSync(join(folder, name)))
  return Object.fromEntries(found.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}
