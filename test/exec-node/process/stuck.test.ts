/** What not even SIGKILL ends: a file system that hangs, made by freezing one. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { processStat } from '../../../exec-node/process/boot.ts'
import { identityArgument, askOwner } from '../../../exec-node/process/owner-program.ts'
import type { RunDriver } from '../../../exec-node/process/run-driver.ts'
import { openFreezer, type Freezer } from '../../support/frozen.ts'
import { until } from '../../support/wait.ts'
import { isRoot, openGrid, owner, type Grid } from './grid.ts'

const cause = { kind: 'cancelled', by: 'alice', why: 'enough' } as const
const atOnce = { cause, signal: 'SIGTERM', graceMs: 0 }

describe.runIf(isRoot)('a file system that hangs', () => {
  let freezer: Freezer | null = null
  const grids: Grid[] = []
  const frozen = (name: string) => join(freezer?.path ?? '', name)
  beforeAll(async () => {
    freezer = openFreezer()
    for (const enforcement of [undefined, 'rlimit'] as RunDriver['enforcement'][])
      grids.push(await openGrid(enforcement))
  })
  afterAll(async () => {
    freezer?.thaw()
    for (const grid of grids) await grid.close()
    freezer?.close()
  })
  const isInD = (pid: number | null) => pid !== null && processStat(pid)?.state === 'D'

  it('what cannot be killed is told with pid, state and wait channel until it is gone', async ({
    skip,
  }) => {
    skip(freezer === null, 'no file system of our own')
    for (const grid of grids) {
      await grid.start('stuck.1', ['dd', 'if=/dev/zero', 'bs=1', `of=${frozen(grid.gridTag)}`])
      await grid.start('check.1', ['sleep', '600'])
      await grid.running('check.1')
    }
    const pids = await Promise.all(grids.map(async (grid) => (await grid.running('stuck.1')).pid))
    freezer?.freeze()
    try {
      await until(() => pids.every(isInD), { what: 'sleep that no signal ends' })
      for (const grid of grids) await grid.driver.stop('stuck.1', atOnce)
      for (const [index, grid] of grids.entries()) {
        const facts = await until(async () => {
          const now = await grid.driver.facts('stuck.1')
          return now?.stuck.length ? now : null
        })
        expect(facts).toMatchObject({ populated: true, cause: null })
        const waitChannel = expect.stringMatching(/^\w+$/)
        expect(facts.stuck).toEqual([{ pid: pids[index], state: 'D', waitChannel }])
        await expect(grid.driver.remove('stuck.1')).rejects.toThrow('still has processes')
        // A check that hangs there is answered for in time, and no second one is sent after it.
        const check = () => grid.driver.check('check.1', ['touch', frozen('check')], 200)
        expect((await check()).detail).toBe('no answer within 200 ms')
        expect((await check()).detail).toBe('the check before it cannot be killed')
      }
    } finally {
      freezer?.thaw()
    }
    for (const grid of grids) {
      expect(await grid.over('stuck.1')).toMatchObject({ cause, stuck: [] })
      const check = () => grid.driver.check('check.1', ['true'], 5_000)
      await until(async () => (await check()).ok, { what: 'checks again' })
    }
  })

  it('a TMPDIR there keeps no slot: it is left behind, and removed when the file system answers again', async ({
    skip,
  }) => {
    skip(freezer === null, 'no file system of our own')
    const [grid, other] = grids as [Grid, Grid]
    const tmpDir = frozen('tmp')
    const script = 'touch "$0/file"; echo up; exec sleep 600'
    await grid.start('tmp.1', ['sh', '-c', script, tmpDir], { tmpDir })
    await until(async () => (await grid.output('tmp.1').catch(() => '')) === 'up\n')
    const rmtree = [identityArgument(owner), 'rmtree', tmpDir]
    freezer?.freeze()
    try {
      await grid.driver.stop('tmp.1', atOnce)
      expect(await grid.over('tmp.1')).toMatchObject({ cause, stuck: [] })
      expect((await grid.journal('tmp.1')).trimEnd()).toMatch(/empty \d+ 0$/)
      expect(await askOwner(rmtree, { timeoutMs: 200 })).toEqual({ ok: false, error: 'timed out' })
      await expect(grid.driver.remove('tmp.1')).rejects.toThrow('still hangs')
      expect((await other.run('tmp.2', ['true'])).cause).toEqual({ kind: 'exit', code: 0 })
      await other.driver.remove('tmp.2')
    } finally {
      freezer?.thaw()
    }
    const removed = () =>
      grid.driver.remove('tmp.1').then(
        () => true,
        () => false,
      )
    await until(removed, { what: 'the removal' })
    expect(existsSync(tmpDir)).toBe(false)
    expect(await grid.driver.facts('tmp.1')).toBeNull()
  })
})
