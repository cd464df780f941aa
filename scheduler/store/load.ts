/** Reads all that lives, for the start of the brain. */
import type { Database } from 'better-sqlite3'

import type { FiringRow, Snapshot } from './change.ts'
import { columnsOf } from './tables.ts'

export type FiringColumns = Omit<FiringRow, 'manual'> & { manual: number }
export const firingOf = (columns: FiringColumns): FiringRow => ({
  ...columns,
  manual: columns.manual === 1,
})

// CROSS JOIN fixes the order: from the few that live to what belongs to them, past all history.
const live = (table: 'range' | 'task', order: string) =>
  `SELECT ${columnsOf(table, 'part.')} FROM job CROSS JOIN "${table}" part ON part.job = job.id
   WHERE job.finishedAt IS NULL ORDER BY job.id, part."${order}"`

export function load(db: Database): Snapshot {
  const all = <Row>(sql: string) => db.prepare<[], Row>(sql).all()
  return {
    meta: Object.fromEntries(
      all<{ key: string; value: string }>('SELECT key, value FROM meta').map(({ key, value }) => [
        key,
        value,
      ]),
    ),
    jobs: all(`SELECT ${columnsOf('job')} FROM job WHERE finishedAt IS NULL ORDER BY id`),
    ranges: all(live('range', 'from')),
    tasks: all(live('task', 'index')),
    nodes: all(`SELECT ${columnsOf('node')} FROM node ORDER BY name`),
    schedules: all(`SELECT ${columnsOf('schedule')} FROM schedule ORDER BY owner, name`),
    lastFirings: all<FiringColumns>(
      `SELECT ${columnsOf('firing', 'firing.')} FROM schedule CROSS JOIN firing
       ON firing.owner = schedule.owner AND firing.schedule = schedule.name
       AND (firing.dueAt, firing.manual) = (
         SELECT dueAt, manual FROM firing newest
         WHERE newest.owner = schedule.owner AND newest.schedule = schedule.name
         ORDER BY dueAt DESC, manual DESC LIMIT 1)
       ORDER BY schedule.owner, schedule.name`,
    ).map(firingOf),
    replies: all('SELECT owner, key, route, hash, status, at FROM reply ORDER BY at, owner, key'),
    tokens: all(`SELECT ${columnsOf('token')} FROM token ORDER BY expiresAt, hash`),
  }
}
