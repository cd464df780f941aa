import { expect, test } from 'vitest'

import { BrainGrid } from '../../support/brain.ts'

/** A bot that runs under a second epoch, on a node that has not told yet that the first has ended. */
async function twoEpochs() {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const other = await grid.node('n2', { slots: 0 })
  const bot = await grid.submit({ kind: 'continuous', name: 'bot' })
  const task = `${bot}.1`
  await grid.turn(node, other)
  node.start(task)
  await grid.turn(node, other)
  await grid.pass(400_000, other)
  node.attach()
  await node.report(true)
  await grid.pass(8_000, node, other)
  const older = node.held.get(`${task}@1`)
  if (older !== undefined) {
    older.report.phase = { kind: 'ended', cause: { kind: 'signal', signal: 'SIGTERM' } }
    older.report.version += 1
  }
  node.start(task)
  expect([...node.held.keys()]).toEqual([`${task}@1`, `${task}@2`])
  return { grid, node, bot, task }
}

test.each(['older first', 'newer first'])(
  'a full report names two placements of a task, the %s: the newer goes on, nowhere else',
  async (order) => {
    const { grid, node, bot, task } = await twoEpochs()
    if (order === 'newer first') {
      // An agent that was started again reads its records as the folder lists them.
      const records = [...node.held].toReversed()
      node.held.clear()
      for (const [key, record] of records) node.held.set(key, record)
    }
    const elsewhere = await grid.node('n3')
    await node.report(true)
    expect(await grid.show(bot)).toMatchObject({ state: 'running', node: 'n1' })
    await grid.pass(20_000, node, elsewhere)
    expect([...elsewhere.held.keys()]).toEqual([])
    expect([...node.held.keys()]).toEqual([`${task}@2`])
  },
)
