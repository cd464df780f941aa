/** What pruning leaves for later commits to do. */
import { statSync } from 'node:fs'

import { expect, onTestFinished, test } from 'vitest'

import { openStore } from '../../../scheduler/store/worker-store.ts'
import { submitChanges } from '../../support/store-rows.ts'
import { until } from '../../support/wait.ts'
import { databasePath } from './place.ts'

test('pages of old rows go to the database file with each batch, not thousands of them with some later commit', async () => {
  const path = databasePath()
  const store = await openStore(path, { reserveBytes: 0 })
  onTestFinished(() => store.close())
  const finished = { state: 'finished', outcome: 'succeeded', finishedAt: 1 } as const
  for (let id = 1; id <= 500; id++) await store.commit(submitChanges(id, finished))
  const before = statSync(path).size
  const old = { finishedAt: 1_000, eventAt: 0, auditAt: 0, replyAt: 0, now: 0 }
  expect(await store.prune(old, 50)).toBeGreaterThan(0)
  await until(() => statSync(path).size > before)
})
