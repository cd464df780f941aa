/** Reads the audit log, newest first: every way to ask has an index that leads to it. */
import type { AuditRow } from './change.ts'
import type { Read } from './queries.ts'
import type { AuditFilter } from './store.ts'
import { columnsOf } from './tables.ts'

type Value = string | number
type Condition = { sql: string; values: Value[] }
/** Entries that one index leads to; named, because the newest few of a rare kind would be looked for from the end. */
type List = Condition & { index: string | null }

const is = (sql: string, ...values: Value[]): Condition => ({ sql, values })
const by = (index: string, sql: string, ...values: Value[]): List => ({ index, sql, values })

/** No entry is in two of them. */
function lists({ job, owner, by: who, reader, what, about }: AuditFilter): List[] {
  if (job !== null) {
    return [
      by('auditOfJob', 'job = ? AND toJob IS NULL', job),
      by('auditOfJobs', 'toJob >= ? AND job <= ?', job, job),
    ]
  }
  if (about !== null) return [by('auditOfGrid', 'about = ? AND owner IS NULL', about)]
  const account = reader ?? (owner === null ? who : null)
  if (account !== null) {
    // All that a reader may see is in these two, whatever else is asked. What one did to one's own is `own`.
    return [
      by('auditOfOwner', reader === null ? 'owner = ? AND own = 1' : 'owner = ?', account),
      by('auditOfOthers', 'own = 0 AND "by" = ?', account),
    ]
  }
  if (owner !== null) return [by('auditOfOwner', 'owner = ?', owner)]
  if (what !== null && what !== 'submit')
    return [by('auditOfWhat', `what = ? AND what <> 'submit'`, what)]
  return [{ index: null, sql: 'true', values: [] }]
}

/** The first entry at that time or later; whoever reads goes no further back. */
const from = [0, 1]
  .map(
    (own) =>
      `ifnull((SELECT id FROM audit WHERE own = ${own} AND at >= ? ORDER BY at LIMIT 1), 1 << 62)`,
  )
  .join(', ')

function conditions(filter: AuditFilter): Condition[] {
  const { reader, by: who, owner, what, since, until, before } = filter
  const all: Condition[] = []
  if (reader !== null) all.push(is('(owner = ? OR "by" = ?)', reader, reader))
  if (who !== null) all.push(is('"by" = ?', who))
  if (owner !== null) all.push(is('owner = ?', owner))
  if (what !== null) all.push(is('what = ?', what))
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
    return `SELECT * FROM (SELECT ${columnsOf('audit')} FROM audit ${list.index === null ? '' : `INDEXED BY ${list.index}`} WHERE ${where
      .map(({ sql }) => sql)
      .join(' AND ')} ORDER BY id DESC LIMIT ?)`
  })
  return {
    sql: `${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
    values: [...values, filter.limit],
  }
}
