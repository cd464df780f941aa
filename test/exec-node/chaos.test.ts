/** Random trouble around one agent: never two copies of a task, and all comes to rest when the trouble ends. */
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { exits, forever, type VirtualRun } from '../support/fake-driver.ts'
import { order, TestGrid } from './grid.ts'

const stopWant = {
  kind: 'stop',
  cause: { kind: 'cancelled', by: 'alice', why: '' },
  graceMs: null,
} as const

const event = fc.oneof(
  fc.record({ what: fc.constant('crash' as const), ms: fc.nat(20_000) }),
  fc.record({
    what: fc.constant('net' as const),
    mode: fc.constantFrom('answers', 'refuses', 'silent'),
  }),
  fc.record({
    what: fc.constant('order' as const),
    epochUp: fc.boolean(),
    stop: fc.boolean(),
    restart: fc.boolean(),
  }),
  fc.record({ what: fc.constant('cut' as const) }),
  fc.record({ what: fc.constant('sleep' as const), ms: fc.nat(400_000) }),
  fc.record({ what: fc.constant('full-disk' as const), full: fc.boolean() }),
  fc.record({ what: fc.constant('wait' as const), ms: fc.nat(300_000) }),
)

it('one copy at most, whatever happens, and the wanted end at last', async () => {
  const seed = fc.record({ events: fc.array(event, { maxLength: 25 }), fate: fc.nat(4) })
  await fc.assert(
    fc.asyncProperty(seed, async ({ events, fate }) => {
      const scripts = [
        forever,
        exits(3_000, 1),
        { ...forever, stopsAfterMs: null, stuckMs: 4_000 },
        { ...exits(700_000, 0), leftoverMs: 20_000 },
        { ...exits(30_000, 1), stopsAfterMs: 3_000 },
      ]
      const grid = new TestGrid(() => scripts[fate] ?? forever)
      const alive = new Set<VirtualRun>()
      grid.machine.onExec = (run) => {
        alive.add(run)
        expect([...alive].map((one) => one.plan.key)).toHaveLength(1)
      }
      grid.machine.onEmpty = (run) => alive.delete(run)
      await grid.start()
      let epoch = 1
      let restarts = 0
      let stopped = false
      grid.link.give(order(1))
      for (const one of events) {
        if (one.what === 'wait') await grid.advance(one.ms)
        if (one.what === 'cut') grid.link.cut()
        if (one.what === 'net') grid.link.mode = one.mode as 'answers'
        if (one.what === 'full-disk') grid.spool.isFull = one.full
        if (one.what === 'sleep') {
          grid.clock.sleep(one.ms)
          grid.machine.fence()
        }
        if (one.what === 'order') {
          if (one.epochUp || stopped || grid.link.forgotten.has(`1.1.${epoch}`)) epoch += 1
          stopped = one.stop
          if (one.restart) restarts += 1
          const want = one.stop ? stopWant : ({ kind: 'run' } as const)
          const restart = { count: restarts, by: 'alice', why: '' }
          grid.link.give(order(1, { epoch, want, restart }))
        }
        if (one.what === 'crash') {
          grid.crash()
          await grid.advance(one.ms)
          grid.spool.isFull = false
          grid.link.mode = 'answers'
          await grid.start()
        }
        await grid.advance(500)
      }
      grid.spool.isFull = false
      grid.link.mode = 'answers'
      await grid.advance(30_000)
      grid.link.give(order(1, { epoch: epoch + 1, want: stopWant }))
      await grid.advance(120_000)
      expect(grid.machine.living()).toEqual([])
      expect(grid.machine.runs.size).toBe(0)
      expect(grid.spool.records.size).toBe(0)
      expect(new Set(grid.machine.started).size).toBe(grid.machine.started.length)
      grid.crash()
    }),
    { numRuns: 40 },
  )
})
