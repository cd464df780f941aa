/** What is left of ended runs is taken away in the end, however often that fails, and at any timer's pace. */
import { expect, it } from 'vitest'

import { newRecord, newRun } from '../../exec-node/core/record.ts'
import { newEntry, type Entry } from '../../exec-node/entry.ts'
import { Sweep } from '../../exec-node/sweep.ts'
import { silentLog } from '../../src/lib/log.ts'
import { FakeMachine } from '../support/fake-driver.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { order } from './grid.ts'

function entryOf(runs: number): Entry {
  const over = { bootId: 'b', state: 'over' as const, version: 1, limits: '[]' }
  const numbers = Array.from({ length: runs }, (_, index) => index + 1)
  return newEntry(
    { ...newRecord(order(1)), runs: numbers.map((n) => ({ ...over, report: newRun(n) })) },
    true,
  )
}

function sweepWith(remove: (key: string) => Promise<void>) {
  const clock = new VirtualClock()
  // A timer of Node may fire a little early, and /proc/uptime counts in hundredths.
  const early = {
    now: () => clock.now(),
    uptime: () => Math.floor(clock.uptime() / 10) * 10,
    after: (ms: number, call: () => void) => clock.after(Math.max(0, ms - 5), call),
  }
  const driver = { ...new FakeMachine(clock).driver(), remove }
  const sweep: Sweep = new Sweep({ clock: early, driver, log: silentLog }, (entry) => {
    if (!sweep.isClean(entry)) void sweep.begin(entry)
  })
  return { sweep, clock }
}

it('tries again what could not be removed, also when its timer fires early', async () => {
  let tries = 0
  const { sweep, clock } = sweepWith(async () => {
    if (++tries < 4) throw new Error('busy')
  })
  const entry = entryOf(1)
  await sweep.begin(entry)
  await clock.advance(900)
  expect(tries).toBe(1)
  await clock.advance(10_000)
  expect(tries).toBe(4)
  expect(sweep.isClean(entry)).toBe(true)
})

it('a closed one begins with no further run', async () => {
  const asked: string[] = []
  const { sweep } = sweepWith(async (key) => {
    asked.push(key)
    sweep.close()
  })
  await sweep.begin(entryOf(3))
  expect(asked).toEqual(['1.1.1.1'])
})
