/** The commands of named resources: what they send and print. */
import { afterEach, beforeEach, expect, test } from 'vitest'

import { eg } from '../support/eg.ts'
import { fakeApi, ownDataFolder, type FakeApi } from '../support/fake-api.ts'

let api: FakeApi
let data: ReturnType<typeof ownDataFolder>
const run = (...argv: string[]) => eg(argv, { url: api.url })
const heard = (name: string) => api.heard.find((one) => one.name === name)

beforeEach(async () => {
  process.env['TZ'] = 'UTC'
  data = ownDataFolder()
  api = await fakeApi()
})
afterEach(async () => {
  await api.close()
  data.remove()
})

const licences = { name: 'licences', total: 10, taken: 7, free: 3, nodes: [], waiting: 0 }
const gpu = {
  ...{ name: 'gpu', total: null, taken: 3, free: null, waiting: 12 },
  nodes: [
    { node: 'node7', total: 2, taken: 2, free: 0 },
    { node: 'node8', total: 0, taken: 1, free: 0 },
  ],
}

test('resources: one line for the grid, and one for each node that has its own', async () => {
  api.handlers.listResources = () => ({ resources: [gpu, licences] })
  expect((await run('resources')).out).toMatchInlineSnapshot(`
    "RESOURCE  WHERE  TOTAL  IN USE  FREE  WAITING
    gpu       node7      2       2     0       12
    gpu       node8      0       1  over
    licences  grid      10       7     3        0
    "
  `)
  expect(JSON.parse((await run('resources', '--json')).out)).toEqual([gpu, licences])
  api.handlers.listResources = () => ({ resources: [] })
  expect((await run('resources')).out).toContain('eg resource set NAME=TOTAL')
})

test('resource show: who holds it since when, and who waits', async () => {
  const holders = [
    {
      ...{ job: 17, task: null, name: 'bot', owner: 'ada', node: 'node7', amount: 1 },
      since: '2026-11-23T06:30:00.000Z',
    },
    { job: 99, task: 3, name: '', owner: '', node: 'node8', amount: 2, since: null },
  ]
  const waiters = [
    {
      ...{ job: 20, name: 'fat', owner: 'bob', kind: 'task', amount: 2, tasks: 12 },
      since: '2026-11-23T06:31:00.000Z',
    },
  ]
  api.handlers.showResource = () => ({ ...gpu, holders, waiters })
  expect((await run('resource', 'show', 'gpu')).out).toMatchInlineSnapshot(`
    "resource:    gpu
    in the grid: only on nodes
    on node7:    2, 2 in use, 0 free
    on node8:    0, 1 in use, 0 free
    in use:      3
    waiting:     12 tasks

    held by
    AMOUNT  JOB   NAME          OWNER  NODE   SINCE
         1  17    bot           ada    node7  2026-11-23 06:30:00
         2  99.3  unknown here         node8

    waited for by
    AMOUNT  JOB  NAME  OWNER  TASKS  SINCE
         2  20   fat   bob       12  2026-11-23 06:31:00
    "
  `)
  expect(heard('showResource')?.params).toEqual({ resource: 'gpu' })
})

test('resource set and remove, in the grid and of one node', async () => {
  api.handlers.setResource = () => licences
  api.handlers.removeResource = () => ({})
  expect((await run('resource', 'set', 'licences=10')).out).toMatch(/^RESOURCE[^]*licences +grid/)
  expect(heard('setResource')?.body).toEqual({ name: 'licences', total: 10 })
  api.heard.length = 0
  await run('resource', 'set', 'gpu=0', '--node', 'node7')
  expect(heard('setResource')?.body).toEqual({ name: 'gpu', total: 0, node: 'node7' })
  const removed = await run('resource', 'remove', 'gpu', '--node', 'node7')
  expect(removed.out).toBe('resource gpu of node7 removed\n')
  expect(heard('removeResource')?.query).toEqual({ node: 'node7' })
  for (const word of ['gpu', 'gpu=', 'gpu=many', '=2', 'gpu=-1', 'gpu=1.5'])
    expect((await run('resource', 'set', word)).status).toBe(2)
})

test('edit: all of it is said anew, and "none" is nothing', async () => {
  api.handlers.editJob = () => ({ job: 17, changed: [{ field: 'resources', effect: 'now' }] })
  const edited = await run('edit', '17', '--resource', 'gpu', '--resource', 'licences=2')
  expect(edited.out).toBe('job 17: --resource changes now\n')
  expect(heard('editJob')?.body).toEqual({ resources: { gpu: 1, licences: 2 } })
  api.heard.length = 0
  await run('edit', '17', '--resource', 'none')
  expect(heard('editJob')?.body).toEqual({ resources: {} })
  expect((await run('edit', '17', '--resource', 'gpu=0')).status).toBe(2)
})
