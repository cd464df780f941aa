/** Batches: values stand in the order of their columns, and many rows in one statement are as many in theirs. */
import { expect, test } from 'vitest'

import { batchOf } from '../../../scheduler/store/batch.ts'
import type { Change } from '../../../scheduler/store/change.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { tables, type PutName } from '../../../scheduler/store/tables.ts'
import { eventRow, jobRow } from '../../support/store-rows.ts'

test.each(Object.keys(tables) as PutName[])(
  'a row of %s is told in the order of its columns',
  (put) => {
    const { columns } = tables[put]
    const row = Object.fromEntries(columns.map((column, at) => [column, at]))
    const change = { put, ...(put === 'meta' ? row : { row: { ...row, specJson: null, ...row } }) }
    const [part] = batchOf([change as unknown as Change])
    expect(part?.values).toEqual(columns.map((_, at) => at))
  },
)

test('of many rows at once each is written, and of those with one key the last', async () => {
  const store = inThreadStore(':memory:')
  const job = (id: number, restarts: number): Change => ({
    put: 'job',
    row: jobRow(id, { restarts }),
  })
  await store.commit([
    ...Array.from({ length: 40 }, (_, at) => job(at + 1, 0)),
    ...Array.from({ length: 40 }, (_, at) => job(7, at)),
    ...Array.from({ length: 100 }, (_, at): Change => ({ put: 'event', row: eventRow(at + 1) })),
  ])
  const { jobs, newestEvent } = await store.load()
  expect(jobs.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1))
  expect(jobs.map(({ restarts }) => restarts).filter((restarts) => restarts > 0)).toEqual([39])
  expect(newestEvent).toBe(100)
  expect(await store.query('eventsAfter', { id: 0, limit: 200, job: null })).toHaveLength(100)
  await store.close()
})
