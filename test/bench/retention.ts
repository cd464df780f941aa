/** How long an exec-node's report waits while the history of 1,000,000 finished jobs is removed, beside the same without. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import SqliteDatabase from 'better-sqlite3'

import { openEngine } from '../../scheduler/store/engine.ts'
import { databaseIn, prepareDataFolder } from '../../scheduler/store/open.ts'
import { startScheduler, temporaryFolder } from './daemons.ts'
import { reportOf } from './filled.ts'
import { ms, percentile, say, whole, type Line } from './row.ts'

const jobs = Number(process.env['BENCH_RETENTION_JOBS'] ?? 1_000_000)
const dayMs = 86_400_000
/** The scheduler begins to remove a minute after its start. */
const quietMs = 50_000
const untilRemovingMs = 65_000
const removingMs = 60_000
const everyMs = 100

/** All of it older than it is kept; as rows, since a brain would take hours to live through it. */
function fill(path: string): void {
  openEngine(path, { reserveBytes: 0 }).close()
  const db = new SqliteDatabase(path)
  db.pragma('synchronous = OFF')
  const facts = '{"slots":1,"memBytes":1073741824,"where":{},"after":[],"array":null}'
  const counts = '{"succeeded":1}'
  const spec = JSON.stringify({
    command: ['/bin/true'],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/home/anna',
    pad: 'x'.repeat(300),
  })
  const oldest = Date.now() - 60 * dayMs
  const stepMs = (25 * dayMs) / jobs
  db.exec(`
    CREATE TEMP TABLE number AS WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ${jobs})
      SELECT n, CAST(${oldest} + n * ${stepMs} AS INTEGER) AS at FROM count;
    BEGIN;
    INSERT INTO job SELECT n, 'anna', 'job' || (n % 1000), 'task', 'main', '${facts}', 0, at - 60000, at - 50000, at,
      'finished', 'succeeded', '{"kind":"exit","code":0}', '${counts}', 0, NULL, NULL FROM number;
    INSERT INTO spec SELECT n, '${spec}' FROM number;
    INSERT INTO task SELECT n, 1, 'finished', 'succeeded', NULL, 1, at, '{}' FROM number;
    INSERT INTO run SELECT n, 1, 1, 1, 'node1', 4711, at - 50000, at, '{"kind":"exit","code":0}', '{}', '{"tail":"${'x'.repeat(200)}"}' FROM number;
    INSERT INTO event SELECT 2 * n - 1, at - 60000, 'submitted', n, NULL, NULL, NULL, 'anna', NULL, 'job submitted' FROM number;
    INSERT INTO event SELECT 2 * n, at, 'finished', n, NULL, NULL, NULL, 'anna', NULL, 'succeeded: exit 0' FROM number;
    COMMIT;`)
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

function leftIn(path: string): number {
  const db = new SqliteDatabase(path, { readonly: true })
  const count = Number(
    db.prepare('SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM job)').pluck().get(),
  )
  db.close()
  return count
}

export async function measureRetention(): Promise<Line[]> {
  const folder = temporaryFolder()
  const path = databaseIn(join(folder.path))
  try {
    prepareDataFolder(folder.path)
    fill(path)
    say(`${whole(jobs)} finished jobs`)
    const before = leftIn(path)
    const began = performance.now()
    const scheduler = await startScheduler(folder.path)
    const connection = await scheduler.connect(scheduler.nodeSecret)
    let sequence = 0
    /** Each with a label of its own, so that each has something to commit before it is answered. */
    const reportsUntil = async (end: number): Promise<number[]> => {
      const tookMs: number[] = []
      while (performance.now() < end) {
        sequence += 1
        const usual = reportOf('n1', 4, { sequence, full: false })
        const body = {
          ...usual,
          uptimeMs: 1_000_000 + sequence,
          facts: { ...usual.facts, labels: { turn: `${sequence}` } },
        }
        const from = performance.now()
        await connection.json('POST', '/v1/node/report', body)
        tookMs.push(performance.now() - from)
        await delay(everyMs)
      }
      return tookMs
    }
    const quiet = await reportsUntil(began + quietMs)
    await delay(began + untilRemovingMs - performance.now())
    const removing = await reportsUntil(began + untilRemovingMs + removingMs)
    connection.close()
    await scheduler.stop()
    const removed = before - leftIn(path)
    const [p50, p99, most] = [0.5, 0.99, 1].map(
      (part) => percentile(removing, part) - percentile(quiet, part),
    ) as [number, number, number]
    const told = (values: readonly number[]): string =>
      [0.5, 0.99, 1].map((part) => ms(percentile(values, part))).join(' / ')
    say(`without ${told(quiet)}, with ${told(removing)}; ${whole(removed)} jobs and events removed`)
    if (removed === 0) throw new Error('nothing was removed')
    return [
      {
        what: `report with a commit while ${whole(jobs)} finished jobs are removed, longer than without: p50 / p99 / max`,
        budget: '50 ms at most',
        measured: `${ms(p50)} / ${ms(p99)} / ${ms(most)} (without: ${told(quiet)}; ${whole(removed / (removingMs / 1000))} jobs and events removed per second)`,
        good: most <= 50,
      },
    ]
  } finally {
    folder.remove()
  }
}
