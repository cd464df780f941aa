/** Reads the audit log, newest first: every way to ask has an index that leads to it. */
import type { AuditRow } from './change.ts'
import type { Read } from './queries.ts'
import type { AuditFilter } from './store.ts'
import { columnsOf } from './tables.ts'

type Value = string | number
type Condition = { sql: string; values: Value[] }

const is = (sql: string, ...values: Value[]): Condition => ({ sql, values })

/** Entries of each list are found by an index, and none is in two of them. */
function lists({ job, owner, by, reader }: AuditFilter): Condition[] {
  if (job !== null)
    return [is('job = ? AND toJob IS NULL', job), is('toJob >= ? AND job <= ?', job, job)]
  if (owner !== null) return [is('owner = ?', owner)]
  if (by !== null) return [is('owner = ? AND own = 1', by), is('own = 0 AND "by" = ?', by)]
  if (reader !== null) return [is('owner = ?', reader), is('own = 0 AND "by" = ?', reader)]
  return [is('true')]
}

/** The first entry at that time or later; whoever reads goes no further back. */
const from = [0, 1]
  .map(
    (own) =>
      `ifnull((SELECT id FROM audit WHERE own = ${own} AND at >= ? ORDER BY at LIMIT 1), 1 << 62)`,
  )
  .join(', ')

function conditions(filter: AuditFilter): Condition[] {
  const { reader, by, owner, what, about, since, until, before } = filter
  const all: Condition[] = []
  if (reader !== null) all.push(is('(owner = ? OR "by" = ?)', reader, reader))
  if (by !== null) all.push(is('"by" = ?', by))
  if (owner !== null) all.push(is('owner = ?', owner))
  if (what !== null) all.push(is('what = ?', what))
  if (about !== null) all.push(is('about = ?', about))
  if (since !== null) all.push(is(`at >= ? AND id >= min(${from})`, since, since, since))
  if (until !== null) all.push(is('at < ?', until))
  if (before !== null) all.push(is('id < ?', before))
  return all
}

/** As SQLite has it: 0 or 1. */
type Columns = Omit<AuditRow, 'own'> & { own: number }

export function readAudit(read: Read, filter: AuditFilter): AuditRow[] {
  const { sql, values } = auditSql(filter)
  return read<Columns>(sql, values).map((row) => ({ ...row, own: row.own === 1 }))
}

function auditSql(filter: AuditFilter): { sql: string; values: Value[] } {
  const all = conditions(filter)
  const values: Value[] = []
  const parts = lists(filter).map((list) => {
    const where = [list, ...all]
    values.push(...where.flatMap((condition) => condition.values), filter.limit)
    return `SELECT * FROM (SELECT ${columnsOf('audit')} FROM audit WHERE ${where
      .map(({ sql }) => sql)
      .join(' AND ')} ORDER BY id DESC LIMIT ?)`
  })
  return {
    sql: `${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
    values: [...values, filter.limit],
  }
}
