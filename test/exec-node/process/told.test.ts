/** A shepherd that is killed between letting its command go and noting that it started: the run is found all the same. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { isSameProcess, processStat } from '../../../exec-node/process/boot.ts'
import { chooseCgroup } from '../../../exec-node/process/choose-cgroup.ts'
import { parseJournal } from '../../../exec-node/process/journal.ts'
import type { RunDriver, RunPlan } from '../../../exec-node/process/run-driver.ts'
import { encodeSpec } from '../../../exec-node/process/spec.ts'
import { compiled } from '../../support/compiled.ts'
import { until } from '../../support/wait.ts'
import { fenced } from './fenced.ts'
import { isRoot, openGrid, type Grid } from './grid.ts'

const cause = { kind: 'cancelled', by: 'alice', why: '' } as const
/** Writes the pid of the command, and of a child in its session. */
const parent = (then: string) => ['sh', '-c', `sleep 600 & echo $$ $! > pids; ${then}`]

describe.each<RunDriver['enforcement'] | undefined>([undefined, 'rlimit'])(
  'enforcement %s',
  (enforcement) => {
    let grid: Grid
    beforeEach(async () => {
      grid = await openGrid(enforcement)
    })
    afterEach(() => grid.close())

    const runFolder = (key: string) => join(grid.nodeDir, 'runs', key)
    const journalOf = (key: string) =>
      parseJournal(readFileSync(join(runFolder(key), 'journal'), 'utf8'))
    /** While no agent lives: a run folder, and a shepherd of the given make for it. */
    async function shepherded(
      program: string,
      key: string,
      argv: string[],
      more: Partial<RunPlan> = {},
    ) {
      const plan = grid.plan(key, argv, more)
      const cgroup = chooseCgroup(grid.gridTag, enforcement).plan(key, plan.limits)
      mkdirSync(runFolder(key), { mode: 0o700 })
      writeFileSync(join(runFolder(key), 'spec'), encodeSpec(plan, cgroup, isRoot))
      spawnSync(compiled(grid.nodeDir, program), { input: `${runFolder(key)}\0` })
      // An agent would start a shepherd of its own where none has claimed the folder yet.
      const claim = join(runFolder(key), 'journal')
      await until(() => existsSync(claim), { what: 'a claim' })
    }
    const pids = () =>
      until(
        () => {
          const path = join(grid.work, 'pids')
          const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
          const found = text.trim().split(' ').map(Number)
          return found.length === 2 ? (found as [number, number]) : null
        },
        { what: 'the pids of the run' },
      )
    async function left(key: string, then: string, more: Partial<RunPlan> = {}) {
      await grid.driver.close()
      await shepherded('dies-at-go', key, parent(then), more)
      const found = await pids()
      const shepherd = journalOf(key)?.shepherd
      const dead = () => shepherd && !isSameProcess(shepherd.pid, shepherd.startTicks)
      await until(dead, { what: 'the end of the shepherd' })
      expect(readFileSync(join(runFolder(key), 'journal'), 'utf8')).not.toContain('\nstarted')
      return found
    }
    const alive = (pid: number) => !['Z', undefined].includes(processStat(pid)?.state)

    it('the agent takes the command for the run that it is, and ends it when told', async () => {
      const [main, child] = await left('told.1', 'exec sleep 600')
      await grid.reopen()
      expect(await grid.driver.facts('told.1')).toMatchObject({
        pid: main,
        populated: true,
        supervised: false,
        cause: null,
      })
      await grid.driver.stop('told.1', { cause, signal: 'SIGTERM', graceMs: 1000 })
      expect((await grid.over('told.1')).cause).toEqual(cause)
      expect([main, child].filter(alive)).toEqual([])
    })

    it('where the command is gone, its session holds the place until it is swept', async () => {
      const [main, child] = await left('told.2', 'exit 0')
      await until(() => !alive(main), { what: 'the end of the command' })
      expect(alive(child)).toBe(true)
      await grid.reopen()
      expect(await grid.driver.facts('told.2')).toMatchObject({ populated: true })
      await grid.over('told.2')
      expect(alive(child)).toBe(false)
    })

    it('past the lease the fence ends it without agent and shepherd', async () => {
      await grid.lease({ kind: 'endless' })
      const both = await left('told.3', 'trap "" TERM; while :; do sleep 1; done', {
        singleCopy: true,
      })
      const fence = await fenced(grid)
      await until(() => !both.some(alive), { what: 'the end of the run' })
      expect(readFileSync(join(runFolder('told.3'), 'journal'), 'utf8')).not.toContain('exit')
      await fence.end()
    })

    it('nothing is let go before the disk has it, nor after a stop or its death meanwhile', async () => {
      await grid.driver.close()
      for (const key of ['room.1', 'room.2', 'room.3'])
        await shepherded('without-room', key, ['sh', '-c', 'echo ran'])
      await grid.reopen()
      const children = (key: string) =>
        chooseCgroup(grid.gridTag, enforcement).pids(key, {
          shepherd: journalOf(key)?.shepherd.pid ?? null,
          session: null,
        })
      await until(() => ['room.1', 'room.2', 'room.3'].every((key) => children(key).length > 0), {
        what: 'both children',
      })
      await until(
        () =>
          grid.output('room.1').then(
            () => true,
            () => false,
          ),
        { what: 'the output file' },
      )
      await grid.driver.stop('room.2', { cause, signal: 'SIGTERM', graceMs: 1000 })
      for (const pid of children('room.3')) process.kill(pid, 'SIGKILL')
      for (const key of ['room.1', 'room.2', 'room.3'])
        writeFileSync(join(runFolder(key), 'room'), '')
      expect((await grid.over('room.1')).cause).toEqual({ kind: 'exit', code: 0 })
      const unbegun = { pid: null, startedAt: null }
      expect(await grid.over('room.2')).toMatchObject({ ...unbegun, cause })
      expect(await grid.over('room.3')).toMatchObject({
        ...unbegun,
        cause: { kind: 'could-not-start', call: 'start', error: 'ECANCELED' },
      })
      expect(await grid.output('room.1')).toBe('ran\n')
      expect(await grid.output('room.2').catch(() => '')).toBe('')
    })
  },
)
