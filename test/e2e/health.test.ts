/** Probes act on a real node: an operator's script cordons, drains, and its recovery undoes only that; the black-hole breaker. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { isRoot } from '../support/as-user.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid

beforeAll(async () => {
  grid = await TestGrid.start({ nodes: 2, env: { EVERGRID_HEALTH_EVERY: '0.3' } })
})
afterAll(() => grid.end())

function probe(node: string, status: number): void {
  const folder = join(grid.data, node, 'health.d')
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const draft = join(grid.work, 'draft')
  writeFileSync(draft, `#!/bin/sh\necho "the pump makes noise ${status}"\nexit ${status}\n`)
  chmodSync(draft, 0o755)
  renameSync(draft, join(folder, 'pump'))
}

test('a failing script cordons, a critical one drains, recovery undoes only what it did', async () => {
  const bot = await grid.submit('--continuous', '--name', 'bot', '--', 'sleep', '1000')
  const { node: here, number } = await grid.running(bot)
  await grid.ok('node', 'cordon', here, '--reason', 'mine')
  probe(here, 1)
  const verdict = async (wanted: string) => {
    const found = (await grid.node(here)).health.find((one) => one.probe === 'pump')
    return found?.verdict === wanted ? found : null
  }
  const failing = await until(() => verdict('failing'), { what: 'a failing probe' })
  expect(failing).toMatchObject({ value: 'the pump makes noise 1' })
  expect(failing.threshold).not.toBe('')
  expect(await grid.node(here)).toMatchObject({ cordoned: true, drain: null })
  expect((await grid.node(here)).reason).toContain('the pump makes noise')
  expect(await grid.ok('node', 'show', here)).toMatch(/pump\s+failing/)

  probe(here, 2)
  const moved = await grid.running(bot, number)
  expect(moved.node).not.toBe(here)
  expect((await grid.node(here)).drain).toMatchObject({ by: 'health' })

  probe(here, 0)
  await until(() => verdict('ok'), { what: 'recovery' })
  const after = await until(async () => {
    const now = await grid.node(here)
    return now.drain === null ? now : null
  })
  expect(after.cordoned).toBe(true)
  expect(after.reason).toContain('mine')
  expect(after.reason).not.toContain('pump')
  await grid.ok('node', 'uncordon', here)
  await grid.ok('stop', 'bot')
})

test.skipIf(!isRoot)(
  'a node on which several owners fail at once takes no more, and says why',
  async () => {
    const owners = [65_534, 1, 2, 3]
    for (const uid of owners) {
      const args = ['--where', 'node=node1', '--', 'sh', '-c', 'exit 1']
      expect((await grid.egOf(uid, 'submit', '--quiet', ...args)).status).toBe(0)
    }
    const closed = await until(
      async () => {
        const node = await grid.node('node1')
        return node.reason === null ? null : node
      },
      { what: 'the breaker' },
    )
    expect(closed.reason).toMatch(/owners/)
    await grid.ok('node', 'uncordon', 'node1')
    expect((await grid.node('node1')).reason).toBeNull()
  },
)
