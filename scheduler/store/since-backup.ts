/**
 * What a restore takes over from the database that goes, where that has grown from the backup and is sound: what was
 * taken back since stays taken back, and nodes that joined since are known, so that what may run there is waited for.
 */
import type { Database } from 'better-sqlite3'

import { metaOf } from './backup.ts'
import { findDamage } from './check.ts'
import { versionOf } from './migrate.ts'

export type SinceBackup = {
  /** Nodes that have joined since. */
  joined: string[]
  /** Tokens, roles, shares and identities of nodes that were withdrawn since. */
  withdrawn: number
}

type Row = Record<string, string | number | null>
/** Tables of rights, with what tells their rows apart. A token with another hash under its number is another. */
const rights = {
  role: ['owner'],
  sharing: ['owner', 'job', 'group'],
  apiToken: ['id', 'hash'],
  joinToken: ['id', 'hash'],
  nodeKey: ['node'],
} as const
type Right = keyof typeof rights
/** An old row of these goes by itself, and is missing for no other reason. */
const endsByItself = new Set<Right>(['apiToken', 'joinToken'])

/** Null where the old database is not a later state of this one, or is damaged: then nothing is taken over. */
export function takeOver(db: Database, old: Database): SinceBackup | null {
  if (!grewFrom(old, db) || findDamage(old).length > 0) return null
  return db.transaction(() => {
    const joined = addMissing(db, old, 'node', 'name')
    let withdrawn = 0
    for (const table of Object.keys(rights) as Right[]) withdrawn += withdraw(db, old, table)
    addMissing(db, old, 'nodeKey', 'node')
    return { joined, withdrawn }
  })()
}

/** Its history holds the newest event of the backup. */
function grewFrom(old: Database, db: Database): boolean {
  if (versionOf(old) !== versionOf(db) || metaOf(old, 'grid') !== metaOf(db, 'grid')) return false
  const newest = db.prepare<[], Row>('SELECT * FROM event ORDER BY id DESC LIMIT 1').get()
  if (newest === undefined) return false
  const same = old.prepare<[unknown], Row>('SELECT * FROM event WHERE id = ?').get(newest['id'])
  return JSON.stringify(same) === JSON.stringify(newest)
}

function withdraw(db: Database, old: Database, table: Right): number {
  const key = rights[table].map((column) => `"${column}" = @${column}`).join(' AND ')
  const newest = old.prepare<[Row], Row>(`SELECT * FROM ${table} WHERE ${key}`)
  const drop = db.prepare<[Row]>(`DELETE FROM ${table} WHERE ${key}`)
  let withdrawn = 0
  for (const row of db.prepare<[], Row>(`SELECT * FROM ${table}`).all()) {
    const now = newest.get(row)
    if (now !== undefined) put(db, table, now)
    else if (!endsByItself.has(table)) drop.run(row)
    const isRevoked = now === undefined ? !endsByItself.has(table) : isEnded(now) && !isEnded(row)
    if (isRevoked) withdrawn += 1
  }
  return withdrawn
}

const isEnded = (row: Row): boolean => (row['revokedAt'] ?? null) !== null

function addMissing(db: Database, old: Database, table: string, key: string): string[] {
  const isThere = db.prepare<[unknown]>(`SELECT 1 FROM ${table} WHERE "${key}" = ?`)
  const rows = old.prepare<[], Row>(`SELECT * FROM ${table}`).all()
  const missing = rows.filter((row) => isThere.get(row[key]) === undefined)
  for (const row of missing) put(db, table, row)
  return missing.map((row) => String(row[key]))
}

function put(db: Database, table: string, row: Row): void {
  const columns = Object.keys(row)
  const names = columns.map((column) => `"${column}"`).join(', ')
  const values = columns.map((column) => `@${column}`).join(', ')
  db.prepare(`INSERT OR REPLACE INTO ${table} (${names}) VALUES (${values})`).run(row)
}
