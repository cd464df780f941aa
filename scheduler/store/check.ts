/** `eg check`: is the file sound, and do its tables agree; and mending of what can be mended without loss. */
import type { Database } from 'better-sqlite3'

import type { Finding } from '../../proto/database.ts'
import { jobStateOf, type TaskCounts } from '../../proto/job.ts'
import { liveCounts, rules, unreadable } from './agreement.ts'
import { tables } from './tables.ts'

const mostExamples = 5
/** That keep the specs of jobs and schedules. */
const besides = ['spec', 'scheduleSpec']
const restoreBackup = 'restore a backup: eg restore FILE --overwrite'

/** SQLite's own words about the file; none of a sound one. */
export function findDamage(db: Database): string[] {
  const said = db.pragma('integrity_check(100)') as { integrity_check: string }[]
  return said.map((row) => row.integrity_check).filter((text) => text !== 'ok')
}

/**
 * All that is found, of one moment even while a scheduler writes. Tables of a damaged file, with unreadable fields, or of
 * another schema than ours are not compared.
 */
export function check(db: Database, isOurSchema: boolean): Finding[] {
  return db.transaction(() => {
    const damage = findDamage(db)
    const ofIndexes = damage.filter(isOfIndex)
    const findings: Finding[] = []
    if (damage.length > ofIndexes.length)
      return [finding('damaged', `the file is damaged: ${restoreBackup}`, damage)]
    if (ofIndexes.length > 0)
      findings.push(
        finding('index', 'indexes disagree with their tables', ofIndexes, 'indexes are built anew'),
      )
    const missing = isOurSchema ? missingTables(db) : []
    if (missing.length > 0)
      return [...findings, finding('no-table', `tables are not there: ${restoreBackup}`, missing)]
    findings.push(...withoutOwner(db))
    if (!isOurSchema) return findings
    for (const { what, means, sql } of rules) {
      const rows = db.prepare<[], string>(sql).pluck().all()
      const mend = countedAnew.has(what) ? 'the jobs count their tasks anew' : null
      if (rows.length > 0) findings.push(finding(what, means, rows, mend))
      // SQLite reads no further in such a field than we do: the comparisons would throw.
      if (what === unreadable && rows.length > 0) break
    }
    return findings
  })()
}

/** Neither what refers to them nor what compares them can be asked. */
function missingTables(db: Database): string[] {
  const there = new Set(
    db
      .prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')`)
      .pluck()
      .all(),
  )
  return [...Object.keys(tables), ...besides].filter((name) => !there.has(name))
}

const countedAnew: ReadonlySet<string> = new Set(['counts', 'job-state'])
const isOfIndex = (text: string) =>
  /\bindex\b/i.test(text) && !/^(Tree|Page|\*\*\*|Freelist|Main freelist)/.test(text)

const finding = (
  what: string,
  detail: string,
  rows: readonly string[],
  mend: string | null = null,
): Finding => ({
  what,
  detail,
  rows: rows.length,
  examples: rows.slice(0, mostExamples),
  mend,
})

/** Of a file in which SQLite finds no database, or only pieces of one. */
export const beyondReading = (said: string): Finding =>
  finding('damaged', `the file is damaged: ${restoreBackup}`, [said])

function withoutOwner(db: Database): Finding[] {
  const broken = db.pragma('foreign_key_check') as { table: string }[]
  if (broken.length === 0) return []
  const tables = [...new Set(broken.map(({ table }) => table))]
  const rows = tables.map((table) => {
    const count = broken.filter((row) => row.table === table).length
    return `${count} of ${table}`
  })
  const found = finding(
    'without-job',
    'rows belong to jobs that are not there',
    rows,
    'they are removed',
  )
  return [{ ...found, rows: broken.length }]
}

/** Mends what is said to be mendable; inside one transaction, indexes first. */
export function mend(db: Database, findings: readonly Finding[]): void {
  const has = (what: string) => findings.some((found) => found.what === what)
  if (has('index')) db.exec('REINDEX')
  db.transaction(() => {
    if (has('without-job'))
      for (const [table, column] of [
        ['run', 'job'],
        ['task', 'job'],
        ['range', 'job'],
        ['spec', 'id'],
      ] as const)
        db.exec(`DELETE FROM ${table} WHERE ${column} NOT IN (SELECT id FROM job)`)
    if (findings.some(({ what }) => countedAnew.has(what))) countAnew(db)
  }).immediate()
}

type Counted = TaskCounts & { id: number; countsJson: string; state: string; untouched: number }

/** Tasks that were ended before they were touched have no rows: what is counted as cancelled is at least kept. */
function countAnew(db: Database): void {
  const put = db.prepare('UPDATE job SET countsJson = ?, state = ? WHERE id = ?')
  for (const row of db.prepare<[], Counted>(liveCounts).all()) {
    const { id, countsJson, untouched, state: _, ...told } = row
    const before = JSON.parse(countsJson) as Partial<TaskCounts>
    const counts: TaskCounts = {
      ...told,
      cancelled: Math.max(told.cancelled, before.cancelled ?? 0),
    }
    const isHeld = (before.held ?? 0) > 0 && (before.pending ?? 0) === 0
    counts[isHeld ? 'held' : 'pending'] += untouched
    const state = jobStateOf(counts)
    if (state !== 'finished') put.run(JSON.stringify(counts), state, id)
  }
}
