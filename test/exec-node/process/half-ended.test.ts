/** A process whose first thread has ended looks like a zombie in /proc, and lives for as long as its other threads do. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { isSameProcess, processStat } from '../../../exec-node/process/boot.ts'
import type { RunDriver, RunPlan } from '../../../exec-node/process/run-driver.ts'
import { compiled } from '../../support/compiled.ts'
import { until } from '../../support/wait.ts'
import { fenced } from './fenced.ts'
import { openGrid, shepherdOf, type Grid } from './grid.ts'

const cause = { kind: 'cancelled', by: 'alice', why: '' } as const

describe.each<RunDriver['enforcement'] | undefined>([undefined, 'rlimit'])(
  'enforcement %s',
  (enforcement) => {
    let grid: Grid
    let program: string
    beforeEach(async () => {
      grid = await openGrid(enforcement)
      program = compiled(grid.work, 'first-thread-ends')
    })
    afterEach(() => grid.close())

    /** A run of such a command. */
    async function start(key: string, more: Partial<RunPlan> = {}) {
      await grid.start(key, [program], more)
      const pid = (await grid.running(key)).pid ?? 0
      await until(() => processStat(pid)?.state === 'Z', { what: 'the end of its first thread' })
      const startTicks = processStat(pid)?.startTicks ?? 0
      const isAlive = () => isSameProcess(pid, startTicks)
      expect(isAlive()).toBe(true)
      return isAlive
    }

    it('holds its place, and is ended when it is asked to', async () => {
      const isAlive = await start('half.1')
      expect(await grid.driver.facts('half.1')).toMatchObject({ populated: true, endedAt: null })
      await grid.driver.stop('half.1', { cause, signal: 'SIGTERM', graceMs: 1_000 })
      expect((await grid.over('half.1')).cause).toEqual(cause)
      expect(isAlive()).toBe(false)
    })

    it('holds it also without its shepherd', async () => {
      const isAlive = await start('half.2')
      process.kill(await shepherdOf(grid, 'half.2'), 'SIGKILL')
      await until(async () => (await grid.driver.facts('half.2'))?.supervised === false, {
        what: 'the end of the shepherd',
      })
      expect(await grid.driver.facts('half.2')).toMatchObject({ populated: true })
      await grid.driver.stop('half.2', { cause, signal: 'SIGTERM', graceMs: 1_000 })
      await grid.over('half.2')
      expect(isAlive()).toBe(false)
    })

    it('is ended by the fence, with and without its shepherd', async () => {
      await grid.lease({ kind: 'endless' })
      const isAlive = await start('half.3', { singleCopy: true })
      const isAliveToo = await start('half.4', { singleCopy: true })
      process.kill(await shepherdOf(grid, 'half.4'), 'SIGKILL')
      await grid.driver.close()
      const fence = await fenced(grid)
      await until(() => !isAlive() && !isAliveToo(), { what: 'the end of the runs' })
      await fence.end()
      for (const key of ['half.3', 'half.4'])
        expect(await grid.driver.facts(key)).toMatchObject({ populated: false })
    })
  },
)
