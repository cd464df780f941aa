import { expect, test } from 'vitest'

import { presentJobs } from '../../../src/cli/tool-labs/jobs-file/present.ts'
import type { Client } from '../../../src/client/client.ts'

test('what lives is known to the last, however much it is', async () => {
  const names = Array.from({ length: 12_000 }, (_, index) => `once${index}`)
  const answers: Record<string, (query: { kind?: string; limit?: number }) => object> = {
    // As the scheduler does: a first page where nothing is said of its length.
    listJobs: ({ kind, limit = 10_000 }) => ({
      jobs:
        kind === 'task'
          ? names.slice(0, limit).map((name) => ({ id: 1, name, schedule: null }))
          : [],
    }),
    listSchedules: () => ({ schedules: [] }),
    showCrontab: () => ({ text: '', names: [] }),
  }
  const call = async (name: string, { query = {} }: { query?: object } = {}) =>
    answers[name]?.(query)
  const grid = { call } as unknown as Client
  expect(await presentJobs(grid, { wants: () => true, once: true })).toHaveLength(12_000)
})
