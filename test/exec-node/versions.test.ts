/** A newer scheduler may say more than this agent knows: it is passed over, kept out of harm, and survives a restart. */
import { expect, it } from 'vitest'

import { isRecord } from '../../exec-node/record-shape.ts'
import type { Order, OrderLine } from '../../proto/sync.ts'
import { exits } from '../support/fake-driver.ts'
import { oneOff, order, TestGrid } from './grid.ts'

it('unknown fields of orders and replies, and unknown lines, change nothing', async () => {
  const grid = new TestGrid(() => exits(60_000))
  const answer = grid.link.report.bind(grid.link)
  grid.link.report = async (report) => {
    const outcome = await answer(report)
    if (outcome.kind === 'answered') Object.assign(outcome.reply, { protocol: 2, weather: 'fair' })
    return outcome
  }
  const open = grid.link.orders.bind(grid.link)
  let opened = 0
  grid.link.orders = (handlers) => {
    opened += 1
    return open(handlers)
  }
  await grid.start()
  grid.link.send({ kind: 'novelty', grid: 'grid-1', payload: [1] } as unknown as OrderLine)
  const newer = { ...order(1, {}, { ...oneOff, novelty: true }), colour: 'red' } as Order
  grid.link.give(newer)
  await grid.advance(2_000)
  expect(opened).toBe(1)
  expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'running' })
  for (const record of grid.spool.records.values()) expect(isRecord(JSON.parse(record))).toBe(true)
  grid.crash()
  await grid.start()
  grid.link.sendFull()
  await grid.advance(2_000)
  expect(grid.machine.started).toEqual(['1.1.1.1'])
  expect(grid.link.told('1.1')?.phase).toMatchObject({ kind: 'running' })
})
