/**
 * `eg restore`: puts a backup in the place of a database, proved before anything is touched, the old one kept aside.
 * The mark in it makes the next start a new incarnation, with numbers and epochs ahead of all that was given out.
 */
import { copyFileSync, existsSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import SqliteDatabase, { type Database } from 'better-sqlite3'

import { copyInto, liveJobsIn, metaOf, readMark, secretNames, writeMark } from './backup.ts'
import type { BackupMark } from './change.ts'
import { findDamage } from './check.ts'
import { openForReading, openForWriting } from './connection.ts'
import { guarded, toStoreError } from './failure.ts'
import { takeLock } from './lock.ts'
import { checkFilled, versionOf } from './migrate.ts'
import { prepareDataFolder } from './open.ts'
import { takeOver, type SinceBackup } from './since-backup.ts'
import { StoreError } from './store.ts'
import { makeDraft, settleDraft, syncPath } from './whole-file.ts'

export type RestoreOptions = {
  folder: string
  file: string
  overwrite: boolean
  now: number
  /** Newest schema that is known here. */
  schema: number
}

export type RestoreFacts = {
  database: string
  /** Where the database is that was there before; null if none was. */
  keptAside: string | null
  madeAt: number
  /** Null of a copy that `eg backup` did not make. */
  version: string | null
  schema: number
  grid: string | null
  liveJobs: number
  /** Secrets put into the folder, and those for which it keeps its own. */
  secrets: { restored: string[]; kept: string[] }
  /** What was taken over from the database that was there; null where nothing could be. */
  since: SinceBackup | null
}

/** Throws a StoreError, and then the folder is as it was. */
export function restore(options: RestoreOptions): RestoreFacts {
  const { folder, file } = options
  if (!existsSync(file)) throw new StoreError('failed', `there is no file ${file}`)
  const database = prepareDataFolder(folder)
  const lock = takeLock(database)
  try {
    return restoreTo(database, options)
  } catch (error) {
    throw toStoreError(error, database)
  } finally {
    lock.release()
  }
}

function restoreTo(
  database: string,
  { folder, file, overwrite, now, schema }: RestoreOptions,
): RestoreFacts {
  const isThere = existsSync(database)
  if (isThere && !overwrite)
    throw new StoreError('exists', `${folder} has a database already: nothing was changed`)
  const draft = makeDraft(database)
  try {
    const facts = readBackup(file, { draft, database }, schema)
    const seen = furthest(facts.mark.seen, isThere ? seenBy(database) : null)
    const { secrets, ...mark } = facts.mark
    const db = new SqliteDatabase(draft)
    db.pragma('journal_mode = DELETE')
    writeMark(db, { ...mark, secrets: {}, seen })
    const since = isThere ? sinceBackup(db, database) : null
    db.close()
    const keptAside = isThere ? putAside(database, now) : null
    const told = putSecrets(folder, secrets)
    settleDraft(draft, database)
    rmSync(`${database}-shm`, { force: true })
    const { madeAt, version } = mark
    const { grid, liveJobs } = facts
    return {
      database,
      keptAside,
      madeAt,
      version: version === '' ? null : version,
      schema: facts.schema,
      grid,
      liveJobs,
      secrets: told,
      since,
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

type Read = { mark: BackupMark; schema: number; grid: string | null; liveJobs: number }

/** Proves the file and copies it, with the log that may lie beside a plain copy of a folder. */
function readBackup(file: string, to: { draft: string; database: string }, known: number): Read {
  const source = guarded(file, () => openForReading(file))
  try {
    refuseNewer(source, file, known)
    checkFilled(source, known)
    const damage = findDamage(source)
    if (damage.length > 0)
      throw new StoreError('damaged', `${file} is damaged, and was not restored: ${damage[0]}`)
    guarded(to.database, () => copyInto(to.draft, source, file))
    const mark = readMark(source) ?? {
      madeAt: ageOf(source, file),
      version: '',
      secrets: {},
      seen: null,
    }
    return {
      mark,
      schema: versionOf(source),
      grid: metaOf(source, 'grid'),
      liveJobs: liveJobsIn(source),
    }
  } catch (error) {
    throw toStoreError(error, file)
  } finally {
    source.close()
  }
}

function refuseNewer(source: Database, file: string, known: number): void {
  const version = versionOf(source)
  if (version <= known) return
  const madeBy = readMark(source)?.version
  throw new StoreError(
    'newer-schema',
    `${file} has schema ${version}, this Evergrid knows schemas up to ${known}: restore it with ` +
      `${madeBy === undefined ? 'the newer Evergrid' : `Evergrid ${madeBy}`} that made it, or a later one`,
  )
}

/** When a copy that says nothing of itself was made: not before its newest event. */
function ageOf(source: Database, file: string): number {
  const newest = source.prepare<[], number | null>('SELECT max(at) FROM event').pluck().get()
  return newest ?? Math.floor(statSync(file).mtimeMs)
}

type Seen = BackupMark['seen']

export function furthest(one: Seen, other: Seen): Seen {
  if (one === null || other === null) return one ?? other
  const incarnation = Math.max(one.incarnation, other.incarnation)
  return { incarnation, nextJob: Math.max(one.nextJob, other.nextJob) }
}

/** What the database that goes has given out, so that nothing of it is given out again; null where it cannot be read. */
function seenBy(database: string): BackupMark['seen'] {
  let db: Database | undefined
  try {
    db = openForReading(database)
    const newest = db.prepare<[], number>('SELECT ifnull(max(id), 0) FROM job').pluck().get() ?? 0
    const nextJob = Math.max(Number(metaOf(db, 'nextJob') ?? 1), newest + 1)
    const own = { incarnation: Number(metaOf(db, 'incarnation') ?? 0), nextJob }
    // One that was restored itself and never started has still to jump.
    return furthest(own, readMark(db)?.seen ?? null)
  } catch {
    return null
  } finally {
    db?.close()
  }
}

function sinceBackup(draft: Database, database: string): SinceBackup | null {
  let old: Database | undefined
  try {
    old = openForReading(database)
    return takeOver(draft, old)
  } catch {
    return null
  } finally {
    old?.close()
  }
}

/** Under a second name first: at no moment is there no database, for which a scheduler would make an empty one. */
function putAside(database: string, now: number): string {
  const aside = `${database}.before-restore-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`
  foldLog(database)
  for (const end of ['', '-wal']) {
    if (!existsSync(database + end)) continue
    try {
      linkSync(database + end, aside + end)
    } catch {
      copyFileSync(database + end, aside + end)
      syncPath(aside + end)
    }
  }
  // What its log still holds belongs to it, never to the one that takes its place.
  rmSync(`${database}-wal`, { force: true })
  return aside
}

/** The log goes into the database, where that is sound enough. */
function foldLog(database: string): void {
  try {
    openForWriting(database).close()
  } catch {
    // Kept as it is, with its log.
  }
}

function putSecrets(folder: string, secrets: Record<string, string>): RestoreFacts['secrets'] {
  const restored: string[] = []
  const kept: string[] = []
  for (const name of secretNames) {
    const text = secrets[name]
    if (text === undefined) continue
    const path = join(folder, name)
    if (existsSync(path)) {
      kept.push(name)
      continue
    }
    const draft = makeDraft(path)
    writeFileSync(draft, text, { mode: 0o600 })
    settleDraft(draft, path)
    restored.push(name)
  }
  return { restored, kept }
}
