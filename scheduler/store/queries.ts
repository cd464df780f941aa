/** Reads of single rows and of history: one prepared statement for each shape of question. */
import type { Database, Statement } from 'better-sqlite3'

import { readAudit } from './audit-query.ts'
import type { EventRow, FiringRow, JobRow, ReplyRow, RunRow, TaskRow } from './change.ts'
import type { FinishedFilter, Queries, QueryName } from './store.ts'
import { columnsOf } from './tables.ts'

export type Answers = {
  [Q in QueryName]: (args: Queries[Q]['args']) => Queries[Q]['result']
}
type Values = readonly (string | number)[]
export type Read = <Row>(sql: string, values: Values) => Row[]
const first = <Row>(rows: Row[]): Row | null => rows[0] ?? null

type FiringColumns = Omit<FiringRow, 'manual'> & { manual: number }

/** `*` and `?` mean what they do in a shell; GLOB's brackets mean themselves. */
const globOf = (pattern: string) => pattern.replaceAll('[', '[[]')

/** Of an array its tasks tell it. */
const lastNode = `CASE WHEN json_extract(factsJson, '$.array') IS NULL THEN (
    SELECT node FROM run WHERE run.job = job.id ORDER BY "index" DESC, epoch DESC, number DESC LIMIT 1
  ) END AS lastNode`

function finishedSql(filter: FinishedFilter): { sql: string; values: Values } {
  const where = ['finishedAt IS NOT NULL']
  const values: (string | number)[] = []
  const add = (condition: string, ...more: (string | number)[]) => {
    where.push(condition)
    values.push(...more)
  }
  if (filter.owner !== null) add('owner = ?', filter.owner)
  if (filter.kind !== null) add('kind = ?', filter.kind)
  if (filter.name !== null) {
    if (/[*?]/.test(filter.name)) add('name GLOB ?', globOf(filter.name))
    else add('name = ?', filter.name)
  }
  if (filter.schedule !== null) add('schedule = ?', filter.schedule)
  if (filter.before !== null)
    add('(finishedAt, id) < (?, ?)', filter.before.finishedAt, filter.before.id)
  const index = filter.owner === null ? 'jobFinished' : 'jobFinishedOfOwner'
  return {
    sql: `SELECT ${columnsOf('job')}, ${lastNode} FROM job INDEXED BY ${index} WHERE ${where.join(' AND ')}
      ORDER BY finishedAt DESC, id DESC LIMIT ?`,
    values: [...values, filter.limit],
  }
}

/** Of a job: its own, or else that of its schedule at that time. */
const specJson = `ifnull((SELECT specJson FROM spec WHERE spec.id = job.id), (
    SELECT specJson FROM template WHERE template.owner = job.owner AND template.schedule = job.schedule
      AND fromJob <= job.id ORDER BY fromJob DESC LIMIT 1)) AS specJson`

const wholeJob = `SELECT ${columnsOf('job', 'job.')}, ${specJson} FROM job`

/** Task by task along the key, so that a bot with a million runs is not read whole. */
const runsSql = `SELECT ${columnsOf('run', 'run.')} FROM task CROSS JOIN run
  WHERE task.job = ? AND task."index" BETWEEN ? AND ? AND run.rowid IN (
    SELECT own.rowid FROM run AS own WHERE own.job = task.job AND own."index" = task."index"
    ORDER BY own.epoch DESC, own.number DESC LIMIT ?)
  ORDER BY run."index", run.epoch, run.number`

const events = (where: string) => `SELECT ${columnsOf('event')} FROM event WHERE ${where}`

/** Runs without a peak are passed over, up to so many of a job: one of a million runs is not read whole. */
const mostRunsLookedAt = 1_000

/** Job by job, each from its newest run on. */
function pastPeaks(read: Read, owner: string, name: string, limit: number): number[] {
  const jobs = read<{ id: number }>(
    'SELECT id FROM job WHERE owner = ? AND name = ? ORDER BY id DESC LIMIT ?',
    [owner, name, limit],
  )
  const peaks: number[] = []
  for (const { id } of jobs) {
    if (peaks.length >= limit) break
    const rows = read<{ peak: number }>(
      `SELECT peak FROM (
         SELECT json_extract(usageJson, '$.peakMemBytes') AS peak FROM run
         WHERE job = ? AND endedAt IS NOT NULL
         ORDER BY "index" DESC, epoch DESC, number DESC LIMIT ?)
       WHERE peak IS NOT NULL LIMIT ?`,
      [id, mostRunsLookedAt, limit - peaks.length],
    )
    peaks.push(...rows.map(({ peak }) => peak))
  }
  return peaks
}

const replySql = `SELECT ${columnsOf('reply')} FROM reply WHERE owner = ? AND key = ?`
const firedSql = `SELECT dueAt FROM firing WHERE owner = ? AND schedule = ? AND dueAt > ?
  AND manual = 0 AND outcome IN ('ran', 'queued') ORDER BY dueAt`

function answersFrom(read: Read): Answers {
  return {
    job: ({ id }) => first(read<JobRow>(`${wholeJob} WHERE job.id = ?`, [id])),
    specs: ({ jobs }) =>
      jobs.flatMap((id) =>
        read<{ id: number; specJson: string }>(`SELECT id, ${specJson} FROM job WHERE id = ?`, [
          id,
        ]),
      ),
    newestByName: ({ owner, name }) =>
      first(
        read<JobRow>(`${wholeJob} WHERE owner = ? AND name = ? ORDER BY job.id DESC LIMIT 1`, [
          owner,
          name,
        ]),
      ),
    finished: (filter) => {
      const { sql, values } = finishedSql(filter)
      return read(sql, values)
    },
    tasks: ({ job, from, to, limit }) =>
      read<TaskRow>(
        `SELECT ${columnsOf('task')} FROM task WHERE job = ? AND "index" BETWEEN ? AND ?
         ORDER BY "index" LIMIT ?`,
        [job, from, to, limit],
      ),
    ranges: ({ job }) =>
      read('SELECT "from", "to" FROM range WHERE job = ? ORDER BY "from"', [job]),
    runs: ({ job, from, to, newest }) => read<RunRow>(runsSql, [job, from, to, newest]),
    pastPeaks: ({ owner, name, limit }) => pastPeaks(read, owner, name, limit),
    // The newest of them, told in the order they happened.
    jobEvents: ({ job, limit }) =>
      read<EventRow>(`${events('job = ?')} ORDER BY id DESC LIMIT ?`, [job, limit]).reverse(),
    eventsAfter: ({ id, limit, job }) =>
      job === null
        ? read<EventRow>(`${events('id > ?')} ORDER BY id LIMIT ?`, [id, limit])
        : read<EventRow>(`${events('job = ? AND id > ?')} ORDER BY id LIMIT ?`, [job, id, limit]),
    firings: ({ owner, schedule, limit }) =>
      read<FiringColumns>(
        `SELECT ${columnsOf('firing')} FROM firing WHERE owner = ? AND schedule = ?
         ORDER BY dueAt DESC, manual DESC LIMIT ?`,
        [owner, schedule, limit],
      ).map((columns) => ({ ...columns, manual: columns.manual === 1 })),
    firedAfter: ({ owner, schedule, after }) =>
      read<{ dueAt: number }>(firedSql, [owner, schedule, after]).map(({ dueAt }) => dueAt),
    reply: ({ owner, key }) => first(read<ReplyRow>(replySql, [owner, key])),
    audit: (filter) => readAudit(read, filter),
    outcomes: ({ jobs }) =>
      jobs.flatMap((id) =>
        read<Queries['outcomes']['result'][number]>(
          'SELECT id, outcome, finishedAt FROM job WHERE id = ?',
          [id],
        ),
      ),
  }
}

export function answersOn(db: Database): Answers {
  const statements = new Map<string, Statement>()
  return answersFrom(<Row>(sql: string, values: Values) => {
    const statement = statements.get(sql) ?? db.prepare(sql)
    statements.set(sql, statement)
    return statement.all(...values) as Row[]
  })
}
