/** Brings a database to the newest schema, forward only, one transaction for each step. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import type { Database } from 'better-sqlite3'

import { StoreError } from './store.ts'
import { makeDraft, settleDraft } from './whole-file.ts'

export type Migration = { version: number; name: string; sql: string }

/** Marks a file as ours ("Evgd"), so that no other program's database is taken for an old one. */
const applicationId = 0x45766764
const folder = fileURLToPath(new URL('migrations/', import.meta.url))

export function migrationsIn(path = folder): Migration[] {
  return readdirSync(path)
    .filter((name) => /^\d{4}-.*\.sql$/.test(name))
    .sort()
    .map((name, place) => {
      const version = Number(name.slice(0, 4))
      if (version !== place + 1)
        throw new Error(`migration ${name} should have number ${place + 1}`)
      return { version, name, sql: readFileSync(`${path}/${name}`, 'utf8') }
    })
}

const numberOf = (db: Database, pragma: string) => Number(db.pragma(pragma, { simple: true }))
export const versionOf = (db: Database) => numberOf(db, 'user_version')

const copyName = (path: string, version: number) => `${path}.schema-${version}`

/** Refuses what a newer Evergrid, or another program, has written. */
export function checkSchema(db: Database, known: number): void {
  const version = versionOf(db)
  const empty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (!empty && numberOf(db, 'application_id') !== applicationId)
    throw new StoreError('damaged', `${db.name} is a database of another program, not Evergrid's`)
  if (version > known) throw newerSchema(db.name, version, known)
}

function newerSchema(path: string, version: number, known: number): StoreError {
  const copy = copyName(path, known)
  const back = existsSync(copy) ? `, or put back the copy ${copy} made before the upgrade` : ''
  const detail = `${path} has schema ${version}, this Evergrid knows schemas up to ${known}`
  return new StoreError('newer-schema', `${detail}: start the newer Evergrid that wrote it${back}`)
}

/** The same, where an empty file is none to begin with but a database that was lost. */
export function checkFilled(db: Database, known: number): void {
  checkSchema(db, known)
  if (versionOf(db) === 0)
    throw new StoreError('damaged', `${db.name} is empty: it holds no database of Evergrid's`)
}

export function migrate(db: Database, migrations: readonly Migration[]): void {
  checkSchema(db, migrations.length)
  const version = versionOf(db)
  if (version === migrations.length) return
  if (version > 0 && !db.memory) copyBefore(db, version)
  // Off while a step may rebuild a table; the check inside the transaction stands in for it.
  db.pragma('foreign_keys = OFF')
  for (const step of migrations.slice(version)) {
    db.transaction(() => {
      db.exec(step.sql)
      const broken = db.pragma('foreign_key_check') as unknown[]
      if (broken.length > 0)
        throw new Error(`${step.name} leaves ${broken.length} rows without owner`)
      db.pragma(`application_id = ${applicationId}`)
      db.pragma(`user_version = ${step.version}`)
    }).exclusive()
  }
}

function copyBefore(db: Database, version: number): void {
  const copy = copyName(db.name, version)
  const draft = makeDraft(copy)
  try {
    db.prepare('VACUUM INTO ?').run(draft)
    settleDraft(draft, copy)
  } finally {
    rmSync(draft, { force: true })
  }
}
