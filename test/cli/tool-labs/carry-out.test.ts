/** What `eg apply` says of each change that it has made. */
import { expect, test } from 'vitest'

import { carryOut } from '../../../src/cli/tool-labs/jobs-file/carry-out.ts'
import type { Present } from '../../../src/cli/tool-labs/jobs-file/changes.ts'
import type { Wanted } from '../../../src/cli/tool-labs/jobs-file/wanted.ts'
import type { Client } from '../../../src/client/client.ts'

test('a schedule that no node could run is created, or changed, with the warning', async () => {
  const warned = { warnings: ['no node can ever run it', 'ask for 4 slots'] }
  const grid = { call: async () => warned } as unknown as Client
  const schedule = { name: 'wide', kind: 'schedule', when: {}, job: { command: ['x'] } }
  const wanted = schedule as unknown as Wanted
  expect(await carryOut(grid, { what: 'create', wanted })).toEqual({
    word: 'created: no node can ever run it; ask for 4 slots',
    job: null,
  })
  const present = schedule as unknown as Present
  expect(await carryOut(grid, { what: 'update', wanted, present, differences: [] })).toEqual({
    word: 'updated: no node can ever run it; ask for 4 slots',
    job: null,
  })
  warned.warnings = []
  expect((await carryOut(grid, { what: 'create', wanted })).word).toBe('created')
})

test('what the file of a schedule no longer asks for, its jobs hold no more', async () => {
  const bodies: unknown[] = []
  const call = async (_: string, { body }: { body: unknown }) => bodies.push(body) && {}
  const grid = { call } as unknown as Client
  const plain = { name: 'nightly', kind: 'schedule', when: {}, job: { command: ['x'] } }
  const asking = { ...plain, job: { ...plain.job, resources: { lock: 1 } } }
  const change = (wanted: object, present: object) =>
    carryOut(grid, {
      what: 'update',
      wanted: wanted as Wanted,
      present: present as Present,
      differences: [],
    })
  // What an edit does not name stays as it is.
  await change(plain, asking)
  await change(asking, plain)
  await change(plain, plain)
  expect(bodies).toEqual([
    { job: { command: ['x'], resources: {} } },
    { job: { command: ['x'], resources: { lock: 1 } } },
    { job: { command: ['x'] } },
  ])
})
