/** Changes to SQL: of several changes to one key in a batch only the last is written. */
import type { Database } from 'better-sqlite3'

import type { Change } from './change.ts'
import { tables, upsertSql, type Put, type PutName } from './tables.ts'

type Fields = Record<string, string | number | boolean | null>
const fieldsOf = (change: Put): Fields => ('row' in change ? change.row : change)

function keyOf(change: Change): string {
  if ('put' in change) {
    const fields = fieldsOf(change)
    let key: string = change.put
    for (const column of tables[change.put].key) key += `\0${fields[column]}`
    return key
  }
  if (change.drop === 'ranges') return `ranges\0${change.job}`
  if (change.drop === 'node') return `node\0${change.name}`
  return `schedule\0${change.owner}\0${change.name}`
}

const aboutRanges = (change: Change) =>
  'put' in change ? change.put === 'range' : change.drop === 'ranges'

/** A job's row without its spec leaves the one that an earlier row brought. */
function withSpec(change: Change, earlier: Change | undefined): Change {
  if (!isJob(change) || change.row.specJson !== null) return change
  if (earlier === undefined || !isJob(earlier) || earlier.row.specJson === null) return change
  return { put: 'job', row: { ...change.row, specJson: earlier.row.specJson } }
}
const isJob = (change: Change): change is Extract<Put, { put: 'job' }> =>
  'put' in change && change.put === 'job'

function lastOfEachKey(changes: readonly Change[]): Change[] {
  const last = new Map<string, Change>()
  for (const change of changes) {
    const key = keyOf(change)
    // A drop of ranges reaches the puts of other keys, so here the order counts.
    if (aboutRanges(change)) last.delete(key)
    last.set(key, withSpec(change, last.get(key)))
  }
  return [...last.values()]
}

/** Statements are prepared once; the returned call writes one batch, inside the caller's transaction. */
export function writerOn(db: Database): (changes: readonly Change[]) => void {
  const puts = {} as Record<PutName, (fields: Fields) => void>
  for (const [name, { columns, key }] of Object.entries(tables)) {
    const statement = db.prepare(upsertSql(name, columns, key))
    puts[name as PutName] = (fields) =>
      statement.run(
        columns.map((column) => {
          const value = fields[column]
          return typeof value === 'boolean' ? Number(value) : value
        }),
      )
  }
  const putSpec = db.prepare(
    upsertSql('spec', ['id', 'specJson'], ['id'], 'WHERE specJson IS NOT excluded.specJson'),
  )
  const dropRanges = db.prepare('DELETE FROM range WHERE job = ?')
  const dropNode = db.prepare('DELETE FROM node WHERE name = ?')
  const dropSchedule = db.prepare('DELETE FROM schedule WHERE owner = ? AND name = ?')

  const write = (change: Change) => {
    if ('put' in change) {
      puts[change.put](fieldsOf(change))
      if (change.put === 'job' && change.row.specJson !== null)
        putSpec.run(change.row.id, change.row.specJson)
    } else if (change.drop === 'ranges') dropRanges.run(change.job)
    else if (change.drop === 'node') dropNode.run(change.name)
    else dropSchedule.run(change.owner, change.name)
  }
  return (changes) => {
    for (const change of lastOfEachKey(changes)) write(change)
  }
}
