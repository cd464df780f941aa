/** A node that is quarantined: closed, tried with one task after a pause, and still so after a restart. */
import { expect, test } from 'vitest'

import type { Caller } from '../../../scheduler/brain/call.ts'
import { defaultBreaker } from '../../../scheduler/core/breaker.ts'
import { BrainGrid, operator } from '../../support/brain.ts'
import type { FakeNode } from '../../support/fake-node.ts'

const owners = ['ann', 'bob', 'cat'].map((owner): Caller => ({
  owner,
  rights: 'user',
  from: 'test',
}))
const { firstPauseMs, fastMs } = defaultBreaker

async function quarantined(): Promise<{ grid: BrainGrid; node: FakeNode }> {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  for (const owner of owners) {
    const job = await grid.submit({}, owner)
    await grid.tick()
    node.start(`${job}.1`)
    node.exit(`${job}.1`, 1)
    await node.report()
  }
  await grid.turn(node)
  expect((await view(grid)).reason).toContain('quarantined: 3 runs of 3 owners failed')
  return { grid, node }
}

const view = (grid: BrainGrid) => grid.ok('showNode', operator, { params: { node: 'n1' } })
const events = (grid: BrainGrid) =>
  grid.commits
    .flat()
    .flatMap((change) => ('put' in change && change.put === 'event' ? [change.row.what] : []))

test('after the pause one task is tried; when it does well the node is trusted', async () => {
  const { grid, node } = await quarantined()
  const waiting = [await grid.submit(), await grid.submit()]
  await grid.pass(firstPauseMs - 1_000, node)
  expect(node.has(`${waiting[0]}.1`)).toBe(false)
  await grid.pass(2_000, node)
  expect(waiting.map((job) => node.has(`${job}.1`))).toEqual([true, false])
  expect((await view(grid)).reason).toContain(`${waiting[0]}.1 is being tried there`)
  node.start(`${waiting[0]}.1`)
  node.exit(`${waiting[0]}.1`)
  await grid.turn(node)
  expect((await view(grid)).reason).toBeNull()
  expect(node.has(`${waiting[1]}.1`)).toBe(true)
})

test('a restart lifts no quarantine, and begins its pause not anew', async () => {
  const { grid, node } = await quarantined()
  const before = (await view(grid)).reason
  const told = events(grid).filter((what) => what === 'node-quarantined').length
  await grid.reopen()
  // Before anything has happened it is closed already, and people see why.
  expect(await view(grid)).toMatchObject({ cordoned: true })
  node.attach()
  const job = await grid.submit()
  await grid.turn(node)
  expect((await view(grid)).reason).toBe(before)
  expect(node.has(`${job}.1`)).toBe(false)
  expect(events(grid).filter((what) => what === 'node-quarantined')).toHaveLength(told)
  await grid.pass(firstPauseMs, node)
  expect(node.has(`${job}.1`)).toBe(true)
})

test('a restart while a canary is tried: its success is still one, and its failure doubles the pause', async () => {
  for (const code of [0, 1]) {
    const { grid, node } = await quarantined()
    const [canary, other] = [await grid.submit(), await grid.submit()]
    await grid.pass(firstPauseMs + 1_000, node)
    node.start(`${canary}.1`)
    await node.report()
    await grid.reopen()
    node.attach()
    await grid.turn(node)
    expect(node.has(`${other}.1`)).toBe(false)
    node.exit(`${canary}.1`, code)
    await grid.turn(node)
    if (code === 0) expect((await view(grid)).reason).toBeNull()
    else expect((await view(grid)).reason).toContain(`canary ${canary}.1 failed too`)
    await grid.reopen()
    node.attach()
    await grid.turn(node)
    expect(node.has(`${other}.1`)).toBe(code === 0)
    await grid.pass(2 * firstPauseMs, node)
    expect(node.has(`${other}.1`)).toBe(true)
  }
})

test('what an operator lifted stays lifted after a restart', async () => {
  const { grid, node } = await quarantined()
  await grid.ok('uncordonNode', operator, { params: { node: 'n1' } })
  await grid.reopen()
  node.attach()
  const job = await grid.submit({ kind: 'continuous', name: 'bot' })
  await grid.turn(node)
  expect(node.has(`${job}.1`)).toBe(true)
  await grid.pass(fastMs, node)
  expect((await view(grid)).reason).toBeNull()
})
