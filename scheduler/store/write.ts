/** Batches to SQL, table by table, in the order of their changes. */
import type { Database, Statement } from 'better-sqlite3'

import { statements, type Batch } from './batch.ts'

/** Rows of one statement: more of them gain little. */
const rowsAtOnce = 16

/** Statements are prepared once; the returned call writes one batch, inside the caller's transaction. */
export function writerOn(db: Database): (batch: Batch) => void {
  const one = statements.map(({ sql }) => db.prepare(sql(1)))
  const many: Statement[] = []
  const manyOf = (step: number) => (many[step] ??= db.prepare(statements[step]!.sql(rowsAtOnce)))
  const writePart = ({ runs, values }: Batch[number]) => {
    let at = 0
    for (let run = 0; run < runs.length; run += 2) {
      const step = runs[run]!
      const { count, takesMany } = statements[step]!
      for (let rows = runs[run + 1]!, taken = 0; rows > 0; rows -= taken) {
        taken = takesMany && rows >= rowsAtOnce ? rowsAtOnce : 1
        const statement = taken === 1 ? one[step]! : manyOf(step)
        statement.run(values.slice(at, at + taken * count))
        at += taken * count
      }
    }
  }
  return (batch) => {
    for (const part of batch) writePart(part)
  }
}
