/**
 * Deletes what is older than its keeping time: at most `limit` rows in one call, oldest first.
 * The newest job and event stay whatever their age: no number is given twice.
 */
import type { Database } from 'better-sqlite3'

import type { Store } from './store.ts'

type OlderThan = Parameters<Store['prune']>[0]

/** What has an age of its own. The newest firing of a living schedule and one that still waits are kept. */
const aged: readonly { sql: string; age: keyof OlderThan }[] = [
  {
    age: 'eventAt',
    sql: `DELETE FROM event WHERE id IN (
      SELECT id FROM event WHERE at < ? AND id < (SELECT max(id) FROM event) ORDER BY at LIMIT ?)`,
  },
  {
    age: 'replyAt',
    sql: `DELETE FROM reply WHERE rowid IN (SELECT rowid FROM reply WHERE at < ? ORDER BY at LIMIT ?)`,
  },
  {
    age: 'now',
    sql: `DELETE FROM token WHERE hash IN (
      SELECT hash FROM token WHERE expiresAt < ? ORDER BY expiresAt LIMIT ?)`,
  },
  {
    age: 'finishedAt',
    sql: `DELETE FROM firing WHERE (owner, schedule, dueAt, manual) IN (
      SELECT owner, schedule, dueAt, manual FROM firing old WHERE at < ? AND outcome <> 'queued' AND (
        EXISTS (SELECT 1 FROM firing newer WHERE newer.owner = old.owner
          AND newer.schedule = old.schedule AND newer.dueAt > old.dueAt)
        OR NOT EXISTS (SELECT 1 FROM schedule
          WHERE schedule.owner = old.owner AND schedule.name = old.schedule))
      ORDER BY at LIMIT ?)`,
  },
]

/** What belongs to a job goes first, so that an end in between leaves nothing that nobody finds. */
const ofJob = [
  `DELETE FROM event WHERE id IN (
    SELECT id FROM event WHERE job = ? AND id < (SELECT max(id) FROM event) LIMIT ?)`,
  `DELETE FROM run WHERE rowid IN (SELECT rowid FROM run WHERE job = ? LIMIT ?)`,
  `DELETE FROM task WHERE (job, "index") IN (SELECT job, "index" FROM task WHERE job = ? LIMIT ?)`,
  `DELETE FROM range WHERE (job, "from") IN (SELECT job, "from" FROM range WHERE job = ? LIMIT ?)`,
  `DELETE FROM spec WHERE id IN (SELECT id FROM spec WHERE id = ? LIMIT ?)`,
  `DELETE FROM job WHERE id IN (SELECT id FROM job WHERE id = ? LIMIT ?)`,
]

export function prunerOn(db: Database): (olderThan: OlderThan, limit: number) => number {
  const agedOnes = aged.map(({ sql, age }) => ({ age, statement: db.prepare<number[]>(sql) }))
  const oldestJob = db.prepare<[number], { id: number }>(
    `SELECT id FROM job WHERE finishedAt < ? AND id < (SELECT max(id) FROM job)
     ORDER BY finishedAt, id LIMIT 1`,
  )
  const parts = ofJob.map((sql) => db.prepare<number[]>(sql))
  return (olderThan, limit) => {
    let left = limit
    for (const { age, statement } of agedOnes)
      if (left > 0) left -= statement.run(olderThan[age], left).changes
    while (left > 0) {
      const job = oldestJob.get(olderThan.finishedAt)
      if (job === undefined) break
      for (const part of parts) if (left > 0) left -= part.run(job.id, left).changes
    }
    return limit - left
  }
}
