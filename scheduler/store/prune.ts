/**
 * Deletes what is older than its keeping time: at most `limit` rows in one call, oldest first, and no more than fit into a
 * moment: commits wait behind it. The newest job, event and audit entry stay whatever their age: no number is given twice.
 */
import type { Database } from 'better-sqlite3'

import type { Store } from './store.ts'

type OlderThan = Parameters<Store['prune']>[0]

/** Rows at once; between two such handfuls the time is looked at. */
const handful = 25
/** A node's report waits this long at most, and for one sync. */
const momentMs = 10

const auditSql = (own: 0 | 1) => `DELETE FROM audit WHERE id IN (
  SELECT id FROM audit WHERE own = ${own} AND at < ? AND id < (SELECT max(id) FROM audit) ORDER BY at LIMIT ?)`

/** What has an age of its own. */
const aged: readonly { sql: string; age: keyof OlderThan }[] = [
  {
    age: 'eventAt',
    sql: `DELETE FROM event WHERE id IN (
      SELECT id FROM event WHERE at < ? AND id < (SELECT max(id) FROM event) ORDER BY at LIMIT ?)`,
  },
  {
    age: 'eventAt',
    sql: auditSql(1),
  },
  {
    age: 'auditAt',
    sql: auditSql(0),
  },
  {
    // Not as soon as it has expired: for a while whoever shows it is told so.
    age: 'eventAt',
    sql: `DELETE FROM apiToken WHERE id IN (
      SELECT id FROM apiToken WHERE expiresAt < ? AND id < (SELECT max(id) FROM apiToken) ORDER BY expiresAt LIMIT ?)`,
  },
  {
    age: 'eventAt',
    sql: `DELETE FROM joinToken WHERE id IN (
      SELECT id FROM joinToken WHERE expiresAt < ? AND id < (SELECT max(id) FROM joinToken) ORDER BY id LIMIT ?)`,
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
]

/** What belongs to a job goes first, so that an end in between leaves nothing that nobody finds. */
const ofJob = [
  `DELETE FROM event WHERE id IN (
    SELECT id FROM event WHERE job = ? AND id < (SELECT max(id) FROM event) LIMIT ?)`,
  `DELETE FROM run WHERE rowid IN (SELECT rowid FROM run WHERE job = ? LIMIT ?)`,
  `DELETE FROM task WHERE (job, "index") IN (SELECT job, "index" FROM task WHERE job = ? LIMIT ?)`,
  `DELETE FROM range WHERE (job, "from") IN (SELECT job, "from" FROM range WHERE job = ? LIMIT ?)`,
  `DELETE FROM sharing WHERE rowid IN (SELECT rowid FROM sharing WHERE job = ? AND job > 0 LIMIT ?)`,
  `DELETE FROM spec WHERE id IN (SELECT id FROM spec WHERE id = ? LIMIT ?)`,
  `DELETE FROM job WHERE id IN (SELECT id FROM job WHERE id = ? LIMIT ?)`,
]

/** Deletes up to so many rows; 0 when there is nothing more. */
type Part = (olderThan: OlderThan, limit: number) => number

export function prunerOn(db: Database): (olderThan: OlderThan, limit: number) => number {
  const parts: Part[] = [
    ...aged.map(({ sql, age }): Part => {
      const statement = db.prepare<number[]>(sql)
      return (olderThan, limit) => statement.run(olderThan[age], limit).changes
    }),
    firingsOn(db),
    templatesOn(db),
    jobsOn(db),
  ]
  return (olderThan, limit) => {
    const end = performance.now() + momentMs
    let left = limit
    for (const part of parts) {
      for (;;) {
        // At least something: 0 says that nothing was found.
        if (left === 0 || (left < limit && performance.now() > end)) return limit - left
        const wanted = Math.min(handful, left)
        const deleted = part(olderThan, wanted)
        left -= deleted
        if (deleted === 0) break
      }
    }
    return limit - left
  }
}

/** Rows that one look goes over. */
const lookedAtOnce = 200

type FiringKey = { at: number; owner: string; schedule: string; dueAt: number; manual: number }
const beforeAll: FiringKey = { at: 0, owner: '', schedule: '', dueAt: 0, manual: 0 }

/**
 * The newest firing of a living schedule, that at its cursor, and one that still waits are kept, and there may be many of them:
 * a look goes on where the one before ended, so that none goes over all of them.
 */
function firingsOn(db: Database): Part {
  const look = db.prepare<
    [FiringKey & { before: number; limit: number }],
    FiringKey & { old: 0 | 1 }
  >(
    `SELECT at, owner, schedule, dueAt, manual, outcome <> 'queued' AND NOT EXISTS (
        SELECT 1 FROM schedule WHERE schedule.owner = looked.owner AND schedule.name = looked.schedule
          AND schedule.cursorAt = looked.dueAt AND looked.manual = 0) AND (
        EXISTS (SELECT 1 FROM firing newer WHERE newer.owner = looked.owner
          AND newer.schedule = looked.schedule AND newer.dueAt > looked.dueAt)
        OR NOT EXISTS (SELECT 1 FROM schedule
          WHERE schedule.owner = looked.owner AND schedule.name = looked.schedule)) AS old
     FROM firing looked
     WHERE at < :before AND (at, owner, schedule, dueAt, manual) > (:at, :owner, :schedule, :dueAt, :manual)
     ORDER BY at, owner, schedule, dueAt, manual LIMIT :limit`,
  )
  const drop = db.prepare<[string, string, number, number]>(
    'DELETE FROM firing WHERE owner = ? AND schedule = ? AND dueAt = ? AND manual = ?',
  )
  let last = beforeAll
  return ({ finishedAt }, limit) => {
    const found = look.all({ ...last, before: finishedAt, limit: lookedAtOnce })
    let deleted = 0
    for (const row of found) {
      if (deleted === limit) return deleted
      const { at, owner, schedule, dueAt, manual } = row
      last = { at, owner, schedule, dueAt, manual }
      if (row.old === 1) deleted += drop.run(owner, schedule, dueAt, manual).changes
    }
    if (found.length < lookedAtOnce) last = beforeAll
    return deleted
  }
}

/** What a schedule submits now is kept, and what it did as long as a job of that time is. */
function templatesOn(db: Database): Part {
  const look = db.prepare<[number, number], { id: number; old: 0 | 1 }>(
    `SELECT rowid AS id, (next IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM schedule WHERE schedule.owner = looked.owner AND schedule.name = looked.schedule))
      AND NOT EXISTS (SELECT 1 FROM job WHERE job.owner = looked.owner AND job.name = looked.name
        AND job.id >= fromJob AND job.id < ifnull(next, 9e18) AND job.schedule = looked.schedule) AS old
     FROM (SELECT rowid, *, (SELECT min(fromJob) FROM template WHERE template.owner = one.owner
        AND template.schedule = one.schedule AND template.fromJob > one.fromJob) AS next FROM template one) looked
     WHERE rowid > ? ORDER BY rowid LIMIT ?`,
  )
  const drop = db.prepare<[number]>('DELETE FROM template WHERE rowid = ?')
  let last = 0
  return (_, limit) => {
    const found = look.all(last, lookedAtOnce)
    let deleted = 0
    for (const { id, old } of found) {
      if (deleted === limit) return deleted
      last = id
      if (old === 1) deleted += drop.run(id).changes
    }
    if (found.length < lookedAtOnce) last = 0
    return deleted
  }
}

function jobsOn(db: Database): Part {
  const oldest = db.prepare<[number], { id: number }>(
    `SELECT id FROM job WHERE finishedAt < ? AND id < (SELECT max(id) FROM job)
     ORDER BY finishedAt, id LIMIT 1`,
  )
  const statements = ofJob.map((sql) => db.prepare<number[]>(sql))
  return ({ finishedAt }, limit) => {
    let left = limit
    while (left > 0) {
      const job = oldest.get(finishedAt)
      if (job === undefined) break
      for (const statement of statements) if (left > 0) left -= statement.run(job.id, left).changes
    }
    return limit - left
  }
}
