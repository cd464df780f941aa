/** `eg check`: a data folder's database, in use or not, or a single file such as a backup; mending only what is not in use. */
import { copyFileSync, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import type { Database } from 'better-sqlite3'

import type { CheckDone } from '../../proto/database.ts'
import { beyondReading, check, mend } from './check.ts'
import { openForReading, openForWriting } from './connection.ts'
import { guarded } from './failure.ts'
import { takeLock } from './lock.ts'
import { checkFilled, versionOf } from './migrate.ts'
import { databaseIn } from './open.ts'
import { StoreError } from './store.ts'
import { makeDraft, settleDraft } from './whole-file.ts'

export type CheckOptions = {
  database: string
  /** Newest schema that is known here. */
  schema: number
}

/** Throws where it cannot be looked at; what SQLite makes no sense of was looked at, and is a finding. */
export function checkFile(options: CheckOptions): CheckDone {
  try {
    return guarded(options.database, () => looked(options))
  } catch (error) {
    if (!(error instanceof StoreError) || !saysDamaged(error)) throw error
    const findings = [beyondReading(error.message)]
    const { database } = options
    return { database, schema: 0, compared: false, findings, mended: [], keptAside: null }
  }
}

function looked(options: CheckOptions): CheckDone {
  const db = openForReading(options.database)
  try {
    return { ...found(db, options), mended: [], keptAside: null }
  } finally {
    db.close()
  }
}

/** `SQLITE_ERROR`: what we ask of each database of ours cannot be asked of this one, or its format is unknown. */
const saysDamaged = ({ kind, cause }: StoreError): boolean =>
  kind === 'damaged' || (cause as { code?: string } | undefined)?.code === 'SQLITE_ERROR'

/** Refused while a scheduler runs: what it has in memory would write over what was mended. */
export const mendFile = (options: CheckOptions & { now: number }): CheckDone =>
  guarded(options.database, () => {
    // Before the lock, which would be a file in a folder that is none of ours.
    if (!existsSync(options.database)) return checkFile(options)
    refuseOthers(options.database)
    const lock = takeLock(options.database)
    try {
      const before = checkFile(options)
      if (!before.findings.some((finding) => finding.mend !== null)) return before
      const keptAside = copyOf(options.database, options.now)
      const db = openForWriting(options.database)
      try {
        mend(db, before.findings)
        const after = found(db, options)
        const left = new Set(after.findings.map(({ what }) => what))
        const mended = before.findings.map(({ what }) => what).filter((what) => !left.has(what))
        return { ...after, mended, keptAside }
      } finally {
        db.close()
      }
    } finally {
      lock.release()
    }
  })

/** Lock, log and copy would be ours, in the way of the account that the scheduler runs as. */
function refuseOthers(database: string): void {
  const folder = dirname(database)
  for (const path of database === databaseIn(folder) ? [folder, database] : [database]) {
    const { uid } = statSync(path)
    const self = process.geteuid?.() ?? uid
    if (uid === self) continue
    throw new StoreError(
      'failed',
      `${path} belongs to uid ${uid}, but this is uid ${self}: mend it as its owner`,
    )
  }
}

function found(db: Database, { database, schema }: CheckOptions) {
  checkFilled(db, schema)
  const compared = versionOf(db) === schema
  return { database, schema: versionOf(db), compared, findings: check(db, compared) }
}

/** Byte for byte, with its log folded in: what is damaged cannot be copied by reading it. */
function copyOf(database: string, now: number): string {
  openForWriting(database).close()
  const copy = `${database}.before-mend-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`
  const draft = makeDraft(copy)
  copyFileSync(database, draft)
  settleDraft(draft, copy)
  return copy
}
