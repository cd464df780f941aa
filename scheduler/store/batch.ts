/**
 * Changes on their way to the database: which statement, and its values, all in two flat lists. Threads pass such
 * lists on several times faster than the objects that they are made of, which would spell out each field's name.
 */
import type { Change, ScheduleProgress } from './change.ts'
import { tables, upsertSql, type Put, type PutName } from './tables.ts'

type Value = string | number | null
type Fields = Record<string, Value | boolean>

/** `steps` are indexes into `statements`; each takes as many of `values` as it has parameters. */
export type Batch = { steps: number[]; values: Value[] }

const putNames = Object.keys(tables) as PutName[]

/** What is no put: SQL and number of parameters. */
const others = {
  spec: {
    sql: upsertSql('spec', ['id', 'specJson'], ['id'], {
      onlyIf: 'WHERE specJson IS NOT excluded.specJson',
    }),
    count: 2,
  },
  advance: {
    sql: 'UPDATE schedule SET cursorAt = ?, dataJson = ? WHERE owner = ? AND name = ?',
    count: 4,
  },
  ranges: { sql: 'DELETE FROM range WHERE job = ?', count: 1 },
  node: { sql: 'DELETE FROM node WHERE name = ?', count: 1 },
  schedule: { sql: 'DELETE FROM schedule WHERE owner = ? AND name = ?', count: 2 },
  quota: { sql: 'DELETE FROM quota WHERE subject = ?', count: 1 },
  share: { sql: 'DELETE FROM share WHERE owner = ?', count: 1 },
  role: { sql: 'DELETE FROM role WHERE owner = ?', count: 1 },
} as const

/** A put stands at its table's index, the others follow. */
export const statements: readonly { sql: string; count: number }[] = [
  ...putNames.map((name) => ({
    sql: upsertSql(name, tables[name].columns, tables[name].key, tables[name]),
    count: tables[name].columns.length,
  })),
  ...Object.values(others),
]

const stepOf = Object.fromEntries(putNames.map((name, at) => [name, at])) as Record<PutName, number>
const otherSteps = Object.keys(others).map((name, at) => [name, putNames.length + at])
const otherStep = Object.fromEntries(otherSteps) as Record<keyof typeof others, number>

export function batchOf(changes: readonly Change[]): Batch {
  const batch: Batch = { steps: [], values: [] }
  for (const change of changes) {
    if ('put' in change) addPut(batch, change)
    else if ('drop' in change) addDrop(batch, change)
    else addAdvance(batch, change.row)
  }
  return batch
}

function addPut({ steps, values }: Batch, change: Put): void {
  const fields: Fields = 'row' in change ? change.row : change
  steps.push(stepOf[change.put])
  for (const column of tables[change.put].columns) {
    const value = fields[column] ?? null
    values.push(typeof value === 'boolean' ? Number(value) : value)
  }
  // A job's row without its spec leaves the one that an earlier row brought.
  if (change.put !== 'job' || change.row.specJson === null) return
  steps.push(otherStep.spec)
  values.push(change.row.id, change.row.specJson)
}

function addAdvance({ steps, values }: Batch, row: ScheduleProgress): void {
  steps.push(otherStep.advance)
  values.push(row.cursorAt, row.dataJson, row.owner, row.name)
}

function addDrop({ steps, values }: Batch, change: Extract<Change, { drop: string }>): void {
  steps.push(otherStep[change.drop])
  if (change.drop === 'ranges') values.push(change.job)
  else if (change.drop === 'node') values.push(change.name)
  else if (change.drop === 'quota') values.push(change.subject)
  else if (change.drop === 'share') values.push(change.owner)
  else if (change.drop === 'role') values.push(change.owner)
  else values.push(change.owner, change.name)
}
