/**
 * Reads all that lives, for the start of the brain: in pieces of JSON, which SQLite makes, V8 parses and threads
 * pass on several times faster than rows of objects, and which one thread parses while the other reads on.
 */
import type { Database } from 'better-sqlite3'

import { streamedTables, type Snapshot, type StreamedTable, type TakeRows } from './change.ts'
import { tables, type PutName } from './tables.ts'

export type Piece = { of: keyof Snapshot; rowsJson: string }

const pieceRows = 4000
const booleans: ReadonlySet<string> = new Set(['manual', 'own'])

/** One `json_object` with the columns of a table. */
function rowJson(name: PutName, without: string[] = []): string {
  const fields = tables[name].columns
    .filter((column) => !without.includes(column))
    .map((column) => {
      const value = `"${name}"."${column}"`
      return `'${column}', ${booleans.has(column) ? `json(iif(${value}, 'true', 'false'))` : value}`
    })
  return `json_object(${fields.join(', ')})`
}

// CROSS JOIN fixes the order: from the few that live to what belongs to them, past all history.
const ofLiveJobs = (name: 'range' | 'task', order: string, only = 'true') =>
  `SELECT ${rowJson(name)} FROM job CROSS JOIN "${name}" ON "${name}".job = job.id
   WHERE job.finishedAt IS NULL AND ${only} ORDER BY job.id, "${name}"."${order}"`

const reads: { [K in keyof Snapshot]: string } = {
  meta: `SELECT ${rowJson('meta')} FROM meta`,
  newestJob: `SELECT ifnull(max(id), 0) FROM job`,
  newestEvent: `SELECT ifnull(max(id), 0) FROM event`,
  newestAudit: `SELECT ifnull(max(id), 0) FROM audit`,
  // Each after what it belongs to, for whoever takes them as they come.
  nodes: `SELECT ${rowJson('node')} FROM node ORDER BY name`,
  ranges: ofLiveJobs('range', 'from'),
  jobs: `SELECT ${rowJson('job')} FROM job WHERE finishedAt IS NULL ORDER BY id`,
  tasks: ofLiveJobs('task', 'index', `task.state <> 'finished'`),
  schedules: `SELECT json_set(${rowJson('schedule')}, '$.specJson', specJson, '$.templateOf', (
      SELECT settings FROM template WHERE template.owner = schedule.owner AND template.schedule = schedule.name
      ORDER BY fromJob DESC LIMIT 1))
    FROM schedule JOIN scheduleSpec USING (owner, name) ORDER BY schedule.owner, schedule.name`,
  crontabs: `SELECT ${rowJson('crontab')} FROM crontab ORDER BY owner`,
  quotas: `SELECT ${rowJson('quota')} FROM quota ORDER BY subject`,
  shares: `SELECT ${rowJson('share')} FROM share ORDER BY owner`,
  queues: `SELECT ${rowJson('queue')} FROM queue ORDER BY name`,
  resources: `SELECT ${rowJson('resource')} FROM resource ORDER BY name`,
  firingsAtCursor: `SELECT ${rowJson('firing')} FROM schedule CROSS JOIN firing
    ON firing.owner = schedule.owner AND firing.schedule = schedule.name
    AND firing.dueAt = schedule.cursorAt AND firing.manual = 0
    ORDER BY schedule.owner, schedule.name`,
  replies: `SELECT ${rowJson('reply', ['replyJson'])} FROM reply ORDER BY at, owner, key`,
  tokens: `SELECT ${rowJson('token')} FROM token ORDER BY expiresAt, hash`,
  apiTokens: `SELECT ${rowJson('apiToken')} FROM apiToken ORDER BY id`,
  sharing: `SELECT ${rowJson('sharing')} FROM sharing ORDER BY owner, job, "group"`,
  joinTokens: `SELECT ${rowJson('joinToken')} FROM joinToken ORDER BY id`,
  nodeKeys: `SELECT ${rowJson('nodeKey')} FROM nodeKey ORDER BY node`,
  roles: `SELECT ${rowJson('role')} FROM role ORDER BY owner`,
}

export function readPieces(db: Database, emit: (piece: Piece) => void): void {
  for (const [of, sql] of Object.entries(reads)) {
    let rows: string[] = []
    const tell = () => emit({ of: of as keyof Snapshot, rowsJson: `[${rows.join(',')}]` })
    // Row by row, so that the first piece goes out while the rest is still to be read.
    for (const row of db.prepare<[], string>(sql).pluck().iterate()) {
      if (rows.push(row) < pieceRows) continue
      tell()
      rows = []
    }
    if (rows.length > 0) tell()
  }
}

export const emptySnapshot = (): Snapshot => ({
  meta: {},
  newestJob: 0,
  newestEvent: 0,
  newestAudit: 0,
  jobs: [],
  ranges: [],
  tasks: [],
  nodes: [],
  schedules: [],
  crontabs: [],
  quotas: [],
  queues: [],
  resources: [],
  shares: [],
  firingsAtCursor: [],
  replies: [],
  tokens: [],
  roles: [],
  joinTokens: [],
  nodeKeys: [],
  sharing: [],
  apiTokens: [],
})

export function addPiece(snapshot: Snapshot, { of, rowsJson }: Piece, take?: TakeRows): void {
  const rows = JSON.parse(rowsJson) as unknown[]
  if (of === 'newestJob' || of === 'newestEvent' || of === 'newestAudit')
    snapshot[of] = rows[0] as number
  else if (of === 'meta')
    for (const { key, value } of rows as { key: string; value: string }[])
      snapshot.meta[key] = value
  else if (take !== undefined && isStreamed(of)) take(of, rows as never)
  else (snapshot[of] as unknown[]).push(...rows)
}

const isStreamed = (of: string): of is StreamedTable =>
  (streamedTables as readonly string[]).includes(of)
