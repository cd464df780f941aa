/** Prints what a start with 100,000 live jobs and a batch of submits cost; fails on no time. */
import { expect, test } from 'vitest'

import { openStore } from '../../../scheduler/store/worker-store.ts'
import { submitChanges } from '../../support/store-rows.ts'
import { databasePath } from './place.ts'

const batchJobs = 200
const jobs = 100_000
const spec = JSON.stringify({ command: ['x'.repeat(1000)] })
const facts = JSON.stringify({ slots: 1, memBytes: 1e9, where: {}, after: [], onPartition: 'keep' })

test('100,000 live jobs: committed in batches, loaded at once', async () => {
  const store = await openStore(databasePath(), { reserveBytes: 0 })
  const commitMs: number[] = []
  for (let first = 1; first <= jobs; first += batchJobs) {
    const changes = Array.from({ length: batchJobs }, (_, n) =>
      submitChanges(first + n, {
        owner: `owner${first % 50}`,
        name: `job${n}`,
        specJson: spec,
        factsJson: facts,
      }),
    ).flat()
    const began = performance.now()
    await store.commit(changes)
    commitMs.push(performance.now() - began)
  }
  const began = performance.now()
  const snapshot = await store.load()
  const loadMs = performance.now() - began
  await store.close()
  expect([snapshot.jobs.length, snapshot.tasks.length]).toEqual([jobs, jobs])
  const [half, most] = [0.5, 0.99].map((part) =>
    commitMs.sort((a, b) => a - b)[Math.floor(part * commitMs.length)]!.toFixed(1),
  )
  console.info(
    `load of ${jobs} jobs and tasks: ${loadMs.toFixed(0)} ms; ` +
      `commit of ${batchJobs} jobs: p50 ${half} ms, p99 ${most} ms`,
  )
})
