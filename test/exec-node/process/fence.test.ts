/** The node's fence, which ends single-copy runs past the lease where shepherd and agent do not. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { bootId, processStat, uptimeMs } from '../../../exec-node/process/boot.ts'
import { openFence } from '../../../exec-node/process/fence.ts'
import { until } from '../../support/wait.ts'
import { openGrid, shepherdOf, type Grid } from './grid.ts'

const ignorer = ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done']
const expired = { kind: 'lease-expired', node: 'n1' } as const
let grid: Grid
beforeAll(async () => {
  grid = await openGrid()
  await grid.lease({ kind: 'endless' })
})
afterAll(() => grid.close())
const gone = (process: number) => ['Z', undefined].includes(processStat(process)?.state)
const main = async (key: string) => (await grid.driver.facts(key))?.pid ?? 0
const leaseEndsNow = () => {
  const now = uptimeMs()
  return grid.lease({ kind: 'until', bootId, termAtUptimeMs: now, killAtUptimeMs: now + 500 })
}

it('the fence ends single-copy runs whose shepherd hangs or is dead, and only one fence stands', async () => {
  const fence = openFence(grid.nodeDir)
  const pid = await until(() => fence.pid())
  const ignorer = ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done']
  for (const key of ['fence.1', 'fence.2', 'fence.3'])
    await grid.start(key, ignorer, { singleCopy: key !== 'fence.3' })
  for (const key of ['fence.1', 'fence.2', 'fence.3']) await grid.running(key)
  process.kill(await shepherdOf(grid, 'fence.1'), 'SIGSTOP')
  process.kill(await shepherdOf(grid, 'fence.2'), 'SIGKILL')
  const second = openFence(grid.nodeDir)
  const [one, two, three] = [await main('fence.1'), await main('fence.2'), await main('fence.3')]
  await leaseEndsNow()
  await until(() => gone(one) && gone(two), { what: 'both ended' })
  expect(gone(three)).toBe(false)
  await grid.lease({ kind: 'endless' })
  process.kill(await shepherdOf(grid, 'fence.1'), 'SIGCONT')
  await grid.over('fence.1')
  await grid.over('fence.2')
  expect(Number(await readFile(join(grid.nodeDir, 'fence.pid'), 'utf8'))).toBe(pid)
  process.kill(pid, 'SIGKILL')
  const next = await until(async () => {
    const found = await fence.pid()
    return found !== pid ? found : null
  })
  fence.close()
  second.close()
  process.kill(next, 'SIGKILL')
  // Else the next test takes the one that is dying for its own.
  await until(() => gone(next))
})

it('a run that became single-copy after its start is ended by its shepherd, and by the fence where that hangs', async () => {
  const fence = openFence(grid.nodeDir)
  const pid = await until(() => fence.pid())
  const keys = ['later.1', 'later.2', 'later.3']
  for (const key of keys) await grid.start(key, ignorer)
  for (const key of keys) await grid.running(key)
  for (const key of keys.slice(0, 2)) await grid.driver.makeSingleCopy(key)
  const shepherd = await shepherdOf(grid, 'later.2')
  const [one, two, three] = (await Promise.all(keys.map(main))) as [number, number, number]
  process.kill(shepherd, 'SIGSTOP')
  await leaseEndsNow()
  await until(() => gone(one) && gone(two), { what: 'both ended' })
  process.kill(shepherd, 'SIGCONT')
  for (const key of keys.slice(0, 2)) expect((await grid.over(key)).cause).toEqual(expired)
  expect(gone(three)).toBe(false)
  await grid.lease({ kind: 'endless' })
  fence.close()
  process.kill(pid, 'SIGKILL')
})
