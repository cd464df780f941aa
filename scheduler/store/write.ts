/** Batches to SQL, in the order of their changes. */
import type { Database } from 'better-sqlite3'

import { statements, type Batch } from './batch.ts'

/** Statements are prepared once; the returned call writes one batch, inside the caller's transaction. */
export function writerOn(db: Database): (batch: Batch) => void {
  const prepared = statements.map(({ sql, count }) => ({ statement: db.prepare(sql), count }))
  return ({ steps, values }) => {
    let at = 0
    for (const step of steps) {
      const { statement, count } = prepared[step]!
      statement.run(values.slice(at, at + count))
      at += count
    }
  }
}
