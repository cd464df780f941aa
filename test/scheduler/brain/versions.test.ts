/** Exec-nodes of neighbouring versions keep working; others are refused, shown with the reason, and sent nothing. */
import { expect, test } from 'vitest'

import { protocolVersion, type Report } from '../../../proto/sync.ts'
import { anna, BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'

const scheduler = { owner: 'exec-node', rights: 'user', from: 'test' } as const

async function deliver(grid: BrainGrid, body: Report) {
  const result = await grid.call('report', scheduler, { body })
  await grid.quiet()
  return result
}

const reportOf = (node: FakeNode, protocol: number): Report => ({
  ...node.build(true),
  protocol,
})
const view = async (grid: BrainGrid, name: string) =>
  (await grid.ok('listNodes', operator)).nodes.find((node) => node.name === name)

test.each([-1, 0, 1])(
  'a report of protocol %i from ours is taken, with all it says',
  async (off) => {
    const grid = await BrainGrid.open()
    const node = await grid.node('n1')
    const job = await grid.submit()
    await grid.tick()
    node.start(`${job}.1`)
    const result = await deliver(grid, reportOf(node, protocolVersion + off))
    expect(result).toMatchObject({ ok: true, value: { protocol: protocolVersion } })
    expect(await grid.state(job)).toBe('running')
  },
)

test.each([
  [-2, 'upgrade the exec-node'],
  [2, 'upgrade the scheduler'],
])('a report of protocol %i from ours is refused and shown', async (off, advice) => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit()
  await grid.tick()
  node.start(`${job}.1`)
  const lines = node.lines.length
  const result = await deliver(grid, reportOf(node, protocolVersion + off))
  expect(result).toMatchObject({ ok: false, refusal: { code: 'wrong-protocol' } })
  // What it said counts for nothing, and it is sent no orders that it may misread.
  expect(await grid.state(job)).toBe('placed')
  node.attach()
  await grid.stop([job], anna)
  await grid.quiet()
  expect(node.lines).toHaveLength(lines)
  const reason = (await view(grid, 'n1'))?.reason
  expect(reason).toContain(`speaks protocol ${protocolVersion + off}`)
  expect(reason).toContain(advice)
  await deliver(grid, reportOf(node, protocolVersion + off))
  const events = await grid.brain.eventsAfter(0, 1_000, null)
  expect(events.filter(({ what }) => what === 'node-refused')).toHaveLength(1)

  // Upgraded, it goes on where it was.
  expect(await deliver(grid, reportOf(node, protocolVersion))).toMatchObject({ ok: true })
  expect((await view(grid, 'n1'))?.reason).toBeNull()
  node.attach()
  await grid.quiet()
  expect(node.lines.length).toBeGreaterThan(lines)
})

test('one that never joined is shown too; one that shares a name with another closes nothing', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const foreign = reportOf(node, protocolVersion + 7)
  await deliver(grid, { ...foreign, node: 'new' })
  expect(await view(grid, 'new')).toMatchObject({ state: 'joining', slots: 0 })
  const shown = await grid.ok('showNode', operator, { params: { node: 'new' } })
  expect(shown.reason).toContain('protocol 8')
  expect(grid.brain.state.nodes.has('new')).toBe(false)

  await deliver(grid, { ...foreign, facts: { ...foreign.facts, machineId: 'another' } })
  expect((await view(grid, 'n1'))?.reason).toBeNull()
  const lines = node.lines.length
  await grid.submit()
  await grid.tick()
  expect(node.lines.length).toBeGreaterThan(lines)
})
