/** A node with an identity of its own: it joins with a token, works, renews, and is out when that is said. */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { Daemons } from '../support/daemons.ts'
import { isAlive, TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
let daemons: Daemons
beforeAll(async () => {
  grid = await TestGrid.apart()
  daemons = new Daemons(grid)
  await daemons.scheduler()
})
afterAll(async () => {
  await daemons?.end()
  await grid?.end()
})

const identityFile = () => join(grid.data, 'far', 'node-identity')
const identity = () => readFileSync(identityFile(), 'utf8')
const isUp = async () =>
  (await grid.nodes()).some(({ name, state }) => name === 'far' && state === 'up')

test('it joins with a token that is good once, and runs what it is given', async () => {
  const file = join(grid.folder, 'token')
  writeFileSync(file, await grid.ok('node', 'token', '--expires', '10m'), { mode: 0o600 })
  await daemons.node('far', '--join', file)
  await until(isUp, { what: 'the node is up' })
  expect(identity()).toMatch(/^egn\.[0-9a-f]{64}\.far\n$/)
  expect(statSync(identityFile()).mode & 0o777).toBe(0o600)
  const job = Number(await grid.ok('submit', '--quiet', '--out', 'hi', '--', 'echo', 'hi'))
  expect(await grid.finished(job)).toMatchObject({ outcome: 'succeeded', node: 'far' })
  expect(grid.text('hi')).toBe('hi\n')
  await expect(daemons.node('other', '--join', file)).rejects.toThrow('was used by far at')
})

test('it starts again with what it has, and renews that when it is old', async () => {
  const before = identity()
  utimesSync(identityFile(), 0, 0)
  const pid = daemons.nodePid('far')
  process.kill(pid)
  await until(() => !isAlive(pid), { what: 'the agent ends' })
  await daemons.node('far')
  await until(() => identity() !== before, { what: 'a new identity' })
  const job = Number(await grid.ok('submit', '--quiet', '--', 'true'))
  expect(await grid.finished(job)).toMatchObject({ outcome: 'succeeded', node: 'far' })
  // The one before it opens nothing any more.
  const headers = { authorization: `Bearer ${before.trim()}` }
  const orders = await fetch(`${grid.url}/v1/node/orders?node=far`, { headers })
  expect(orders.status).toBe(401)
})

test('revoked, it is out at once', async () => {
  await grid.ok('node', 'remove', '--revoke', 'far')
  const headers = { authorization: `Bearer ${identity().trim()}` }
  const orders = await fetch(`${grid.url}/v1/node/orders?node=far`, { headers })
  expect(orders.status).toBe(401)
  const told = JSON.parse(await grid.ok('audit', '--node', 'far', '--json')) as { what: string }[]
  expect(told.map(({ what }) => what)).toEqual(['node remove --revoke', 'node join'])
})
