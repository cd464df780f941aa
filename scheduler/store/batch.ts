/**
 * Changes on their way to the database: which statement how often, and its values, all in flat lists. Threads pass such
 * lists on several times faster than the objects that they are made of, which would spell out each field's name.
 */
import type { Change, EventRow, FiringRow, JobRow, ScheduleProgress } from './change.ts'
import { tables, upsertSql, type Put, type PutName } from './tables.ts'

type Value = string | number | null
type Fields = Record<string, Value | boolean>

/**
 * Part by part what is done to a table. `runs` are pairs: an index into `statements`, and for how many rows in a row it is
 * made. Each row takes as many of `values` as the statement has parameters.
 */
export type Batch = readonly {
  readonly runs: readonly number[]
  readonly values: readonly Value[]
}[]

const putNames = Object.keys(tables) as PutName[]

type BatchStatement = {
  /** For one row, or for several where that can be said: what SQLite does once per statement is shared by them. */
  sql: (rows: number) => string
  /** Parameters of one row. */
  count: number
  takesMany: boolean
}

const many = (sql: (rows: number) => string, count: number): BatchStatement => ({
  sql,
  count,
  takesMany: true,
})
const single = (sql: string, count: number): BatchStatement => ({
  sql: () => sql,
  count,
  takesMany: false,
})

/** What is no put of a table's whole row. */
const others = {
  spec: many(
    (rows) =>
      upsertSql('spec', ['id', 'specJson'], ['id'], {
        onlyIf: 'WHERE specJson IS NOT excluded.specJson',
        rows,
      }),
    2,
  ),
  scheduleSpec: many(
    (rows) => upsertSql('scheduleSpec', ['owner', 'name', 'specJson'], ['owner', 'name'], { rows }),
    3,
  ),
  ranges: many(
    (rows) => `DELETE FROM range WHERE job IN (${Array.from({ length: rows }, () => '?').join()})`,
    1,
  ),
  node: single('DELETE FROM node WHERE name = ?', 1),
  schedule: single('DELETE FROM schedule WHERE owner = ? AND name = ?', 2),
  specOfSchedule: single('DELETE FROM scheduleSpec WHERE owner = ? AND name = ?', 2),
  quota: single('DELETE FROM quota WHERE subject = ?', 1),
  share: single('DELETE FROM share WHERE owner = ?', 1),
  apiToken: single('DELETE FROM apiToken WHERE id = ?', 1),
  sharing: single('DELETE FROM sharing WHERE owner = ? AND job = ? AND "group" = ?', 3),
  nodeKey: single('DELETE FROM nodeKey WHERE node = ?', 1),
  role: single('DELETE FROM role WHERE owner = ?', 1),
  queue: single('DELETE FROM queue WHERE name = ?', 1),
  resource: single('DELETE FROM resource WHERE name = ?', 1),
} as const

/** A put stands at its table's index, the others follow. */
export const statements: readonly BatchStatement[] = [
  ...putNames.map((name) => {
    const { columns, key } = tables[name]
    return many((rows) => upsertSql(name, columns, key, { ...tables[name], rows }), columns.length)
  }),
  ...Object.values(others),
]

const stepOf = Object.fromEntries(putNames.map((name, at) => [name, at])) as Record<PutName, number>
const otherSteps = Object.keys(others).map((name, at) => [name, putNames.length + at])
const otherStep = Object.fromEntries(otherSteps) as Record<keyof typeof others, number>

/** What is done to one table, in order. Between tables order is of no matter: what refers to another is checked at the end. */
type Part = { runs: number[]; values: Value[] }
type PartName = PutName | 'spec' | 'scheduleSpec'
type Parts = Partial<Record<PartName, Part>>

/** The values to which those of one more row are to be added. */
function stepIn(parts: Parts, table: PartName, step: number): Value[] {
  const { runs, values } = (parts[table] ??= { runs: [], values: [] })
  const last = runs.length - 2
  if (last >= 0 && runs[last] === step) runs[last + 1]! += 1
  else runs.push(step, 1)
  return values
}

export function batchOf(changes: readonly Change[]): Batch {
  const parts: Parts = {}
  for (const change of changes) {
    if ('put' in change) addPut(parts, change)
    else if ('drop' in change) addDrop(parts, change)
    else pushProgress(stepIn(parts, 'schedule', stepOf.schedule), change.row)
  }
  return Object.values(parts)
}

export const rowsOf = (batch: Batch): number =>
  batch.reduce((sum, { runs }) => sum + runs.reduce((rows, run, at) => rows + (at % 2) * run, 0), 0)

function addPut(parts: Parts, change: Put): void {
  const values = stepIn(parts, change.put, stepOf[change.put])
  if (change.put === 'job') {
    pushJob(values, change.row)
    // A job's row without its spec leaves the one that an earlier row brought.
    if (change.row.specJson !== null)
      stepIn(parts, 'spec', otherStep.spec).push(change.row.id, change.row.specJson)
  } else if (change.put === 'event') pushEvent(values, change.row)
  else if (change.put === 'firing') pushFiring(values, change.row)
  else if (change.put === 'schedule') {
    const { owner, name, specJson } = change.row
    pushProgress(values, change.row)
    stepIn(parts, 'scheduleSpec', otherStep.scheduleSpec).push(owner, name, specJson)
  } else pushFields(values, change)
}

function pushFields(values: Value[], change: Put): void {
  const fields: Fields = 'row' in change ? change.row : change
  for (const column of tables[change.put].columns) {
    const value = fields[column] ?? null
    values.push(typeof value === 'boolean' ? Number(value) : value)
  }
}

// Where there are thousands at once the columns are written out, in the order of their table: looking up each by its
// name costs more than all the rest.

function pushJob(values: Value[], row: JobRow): void {
  values.push(row.id, row.owner, row.name, row.kind, row.queue, row.factsJson, row.priority)
  values.push(row.submittedAt, row.startedAt, row.finishedAt, row.state, row.outcome)
  values.push(row.causeJson, row.countsJson, row.restarts, row.schedule, row.dueAt)
}

function pushEvent(values: Value[], row: EventRow): void {
  values.push(row.id, row.at, row.what, row.job, row.task, row.node, row.schedule, row.owner)
  values.push(row.by, row.detail)
}

function pushFiring(values: Value[], row: FiringRow): void {
  values.push(row.owner, row.schedule, row.dueAt, row.until, row.count, row.outcome, row.jobId)
  values.push(Number(row.manual), row.why, row.at)
}

function pushProgress(values: Value[], row: ScheduleProgress): void {
  values.push(row.owner, row.name, row.cursorAt, row.dataJson)
}

function addDrop(parts: Parts, change: Extract<Change, { drop: string }>): void {
  const table = change.drop === 'ranges' ? 'range' : change.drop
  const values = stepIn(parts, table, otherStep[change.drop])
  if (change.drop === 'schedule')
    stepIn(parts, 'scheduleSpec', otherStep.specOfSchedule).push(change.owner, change.name)
  if (change.drop === 'ranges') values.push(change.job)
  else if (change.drop === 'node' || change.drop === 'queue' || change.drop === 'resource')
    values.push(change.name)
  else if (change.drop === 'quota') values.push(change.subject)
  else if (change.drop === 'share') values.push(change.owner)
  else if (change.drop === 'apiToken') values.push(change.id)
  else if (change.drop === 'nodeKey') values.push(change.node)
  else if (change.drop === 'role') values.push(change.owner)
  else if (change.drop === 'sharing') values.push(change.owner, change.job, change.group)
  else values.push(change.owner, change.name)
}
