/** Every way a run is ended: asked, made, too long, too big, past its lease. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { bootId, uptimeMs } from '../../../exec-node/process/boot.ts'
import { chooseCgroup } from '../../../exec-node/process/choose-cgroup.ts'
import type { RunDriver, RunPlan } from '../../../exec-node/process/run-driver.ts'
import { encodeSpec } from '../../../exec-node/process/spec.ts'
import type { Cause } from '../../../proto/cause.ts'
import { patience, until } from '../../support/wait.ts'
import { isRoot, openGrid, owner, shepherdOf, type Grid } from './grid.ts'

const cause = { kind: 'cancelled', by: 'alice', why: 'odd "text"\nwith lines' } as const
const ignorer = ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 1; done']
const daemons = [
  'sh',
  '-c',
  '(setsid sh -c "trap \\"\\" TERM; echo in; while :; do sleep 1; done" &) ; echo up; exec sleep 600',
]
const tempoMs = 300

/** A run folder as an agent leaves it that was told to stop the run and died before it was launched. */
function layRun(
  grid: Grid,
  { key }: RunPlan,
  { spec, cause }: { spec: Buffer; cause: Cause },
): void {
  const folder = join(grid.nodeDir, 'runs', key)
  mkdirSync(folder, { mode: 0o700 })
  writeFileSync(join(folder, 'spec'), spec)
  writeFileSync(join(folder, 'stop'), `15 ${uptimeMs() + 600_000}\n${JSON.stringify(cause)}\n`)
}

// The same promises hold with the machine's cgroups and without any.
describe.each<RunDriver['enforcement'] | undefined>([undefined, 'rlimit'])(
  'enforcement %s',
  (enforcement) => {
    let grid: Grid
    beforeAll(async () => {
      grid = await openGrid(enforcement)
      await grid.lease({ kind: 'endless' })
    })
    afterAll(() => grid.close())
    const up = (key: string, word = 'up') =>
      until(async () => (await grid.output(key).catch(() => '')).includes(word), {
        what: `${key} ${word}`,
      })

    it.runIf(isRoot && enforcement === undefined)(
      'a run that moved into a cgroup of its own within is asked and killed all the same',
      async () => {
        // As root, for the folders are root's here; where a subtree is delegated they are the owner's.
        const identity = { ...owner, user: 'root', uid: 0, gid: 0, groups: [0] }
        const move = 'mkdir $0/within && echo $$ > $0/within/cgroup.procs && echo up'
        const told = 'trap "echo told; exit 5" TERM; while :; do sleep 0.1; done'
        for (const [key, then] of [
          ['within.1', told] as const,
          ['within.2', 'trap "" TERM; sleep 600'] as const,
        ]) {
          const [folder = ''] = chooseCgroup(grid.gridTag).plan(
            key,
            grid.plan(key, []).limits,
          ).procs
          await grid.start(key, ['sh', '-c', `${move}; ${then}`, dirname(folder)], { identity })
          await up(key)
        }
        await grid.driver.stop('within.1', { cause, signal: 'SIGTERM', graceMs: 20_000 })
        await grid.driver.stop('within.2', { cause, signal: 'SIGTERM', graceMs: tempoMs })
        for (const key of ['within.1', 'within.2'])
          expect((await grid.over(key)).cause).toEqual(cause)
        expect(await grid.output('within.1')).toBe('up\ntold\n')
      },
    )

    it('a stop asks first, and the cause comes back as it was given', async () => {
      await grid.start('stop.1', [
        'sh',
        '-c',
        'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.1; done',
      ])
      await up('stop.1')
      await grid.driver.stop('stop.1', { cause, signal: 'SIGTERM', graceMs: 20_000 })
      expect((await grid.over('stop.1')).cause).toEqual(cause)
      expect(await grid.output('stop.1')).toBe('up\nbye\n')
    })

    it('a stop around the start is the cause, and what never started executed nothing', async () => {
      const mark = join(grid.work, 'ran')
      await grid.start('early.1', ['sh', '-c', `trap "" TERM; echo > ${mark}; sleep 600`])
      // Which of both is first is the machine's choice; after the start only SIGKILL ends it.
      await grid.driver.stop('early.1', { cause, signal: 'SIGTERM', graceMs: 5 })
      const facts = await grid.over('early.1')
      expect(facts.cause).toEqual(cause)
      if (facts.startedAt === null) expect(existsSync(mark)).toBe(false)
      await grid.driver.remove('early.1')
    })

    it.each(['files', 'log'] as const)(
      'a stop that is there before the shepherd executes nothing, with %s',
      async (kind) => {
        const key = `before.${kind}`
        const files = { out: join(grid.work, `${key}.out`), err: join(grid.work, `${key}.err`) }
        const output =
          kind === 'files' ? { kind, ...files } : { kind, ...files, maxBytes: 1e6, keep: 1 }
        const plan = grid.plan(key, ['sh', '-c', 'echo > ran; sleep 600'], { output })
        const before = readdirSync(grid.work)
        const cgroup = chooseCgroup(grid.gridTag, enforcement)
        layRun(grid, plan, { spec: encodeSpec(plan, cgroup.plan(key, plan.limits), isRoot), cause })
        // The driver finds a run that nobody has claimed, and hands it to its launcher.
        await grid.reopen()
        const facts = await grid.over(key)
        expect(facts).toMatchObject({ cause, pid: null, startedAt: null, outMark: null, stuck: [] })
        expect(await grid.journal(key)).toMatch(
          /^shepherd .*\nfailed stop \d+ \d+ ?\n(read .*\n)*empty \d+ 1\n$/,
        )
        expect(readdirSync(grid.work)).toEqual(before)
        expect(cgroup.list()).not.toContain(key)
        await grid.driver.remove(key)
      },
    )

    it('a big TMPDIR is removed after an end, by a stop too', async () => {
      // Takes far longer than the grace, and far less than the 10 s after which the rest is left to the agent.
      const fill = 'cd "$0"; seq 200 | xargs mkdir; echo up; sleep 600'
      const { tmpDir } = grid.plan('tidy.1', [])
      await grid.start('tidy.1', ['sh', '-c', fill, tmpDir])
      await up('tidy.1')
      await grid.driver.stop('tidy.1', { cause, signal: 'SIGTERM', graceMs: 5 })
      await grid.over('tidy.1')
      expect((await grid.journal('tidy.1')).trimEnd()).toMatch(/empty \d+ 1$/)
      expect(existsSync(tmpDir)).toBe(false)
    })

    it('who ignores the signal is killed after the grace; a shorter grace wins, the first cause stays', async () => {
      await grid.start('stop.2', ignorer)
      await up('stop.2')
      await grid.driver.stop('stop.2', { cause, signal: 'SIGTERM', graceMs: 600_000 })
      await grid.driver.stop('stop.2', {
        cause: { ...cause, by: 'bob' },
        signal: 'SIGTERM',
        graceMs: tempoMs,
      })
      await grid.driver.stop('stop.2', { cause, signal: 'SIGTERM', graceMs: 600_000 })
      expect((await grid.over('stop.2')).cause).toEqual(cause)
    })

    it('daemons and their own sessions do not escape', async () => {
      await grid.start('stop.3', daemons)
      await up('stop.3', 'in')
      await grid.driver.stop('stop.3', { cause, signal: 'SIGTERM', graceMs: tempoMs })
      expect((await grid.over('stop.3')).cause).toEqual(cause)
    })

    it('what a command leaves behind is swept after it', async () => {
      const facts = await grid.run('stop.4', ['sh', '-c', '(setsid sleep 600 &); exit 4'])
      expect(facts.cause).toEqual({ kind: 'exit', code: 4 })
    })

    it('the time limit warns, asks and kills while no agent is there', async () => {
      const script = 'trap "echo warned" USR1; trap "echo asked" TERM; while :; do sleep 0.05; done'
      const time = { limitMs: 700, warnSignal: 'SIGUSR1', warnMs: 400 }
      await grid.start('time.1', ['sh', '-c', script], {
        time,
        stop: { signal: 'SIGTERM', graceMs: 400 },
      })
      await grid.running('time.1')
      await grid.driver.close()
      await until(async () => (await grid.journal('time.1')).includes('empty'), { what: 'the end' })
      await grid.reopen()
      const facts = await grid.over('time.1')
      expect(facts.cause).toEqual({ kind: 'time-limit', limitMs: 700 })
      expect(await grid.output('time.1')).toBe('warned\nasked\n')
      // The shepherd's clock goes in steps of 10 ms.
      expect((facts.endedAt ?? 0) - (facts.startedAt ?? 0)).toBeGreaterThanOrEqual(1080)
    })

    // On an emulated machine it takes long until a shell has set its trap.
    const limitMs = 900 * patience
    const time = { limitMs, warnSignal: 'SIGUSR2', warnMs: 500 }
    const hearing = 'trap "echo heard; exit 7" USR2; echo up; while :; do sleep 0.05; done'

    it('a warning ends nobody: who does not hear it has all of its time', async () => {
      const facts = await grid.run('warn.1', ['sleep', '600'], { time })
      expect(facts.cause).toEqual({ kind: 'time-limit', limitMs })
    })

    it('a warning reaches a child that hears it, past a leader that does not', async () => {
      const leader = `sh -c '${hearing}'; echo "child $?"; sleep 600`
      const facts = await grid.run('warn.2', ['sh', '-c', leader], { time })
      expect(await grid.output('warn.2')).toBe('up\nheard\nchild 7\n')
      expect(facts.cause).toEqual({ kind: 'time-limit', limitMs })
    })

    it('a killed shepherd leaves its job running, and the driver ends it in its place', async () => {
      await grid.start('orphan.1', ignorer)
      await grid.running('orphan.1')
      await up('orphan.1')
      process.kill(await shepherdOf(grid, 'orphan.1'), 'SIGKILL')
      const alone = await until(async () => {
        const facts = await grid.driver.facts('orphan.1')
        return facts && !facts.supervised ? facts : null
      })
      expect(alone).toMatchObject({ populated: true, cause: null })
      await grid.driver.stop('orphan.1', { cause, signal: 'SIGTERM', graceMs: tempoMs })
      expect((await grid.over('orphan.1')).cause).toEqual(cause)
    })

    it('what ends alone, unseen by a shepherd, has an unknown outcome', async () => {
      await grid.start('orphan.2', ['sleep', '3'])
      await grid.running('orphan.2')
      process.kill(await shepherdOf(grid, 'orphan.2'), 'SIGKILL')
      expect((await grid.over('orphan.2')).cause).toEqual({
        kind: 'outcome-unknown',
        detail: 'shepherd lost',
      })
    })

    it('too much memory ends the whole run', async () => {
      const memBytes = 64 << 20
      const eater = `const all=[];setInterval(()=>{all.push(Buffer.alloc(8<<20,1))},20)`
      const argv = ['sh', '-c', `"${process.execPath}" -e '${eater}'; sleep 600`]
      const facts = await grid.run('memory.1', argv, {
        limits: { ...grid.plan('x', []).limits, memBytes },
      })
      expect(facts.cause).toMatchObject({ kind: 'out-of-memory', limitBytes: memBytes })
      expect(facts.cause?.kind === 'out-of-memory' && facts.cause.peakBytes).toBeGreaterThan(
        32 << 20,
      )
    })

    it('suspends, resumes, and a suspended run can be ended', async () => {
      const file = join(grid.work, 'ticks')
      await grid.start('freeze.1', ['sh', '-c', `while :; do echo . >> ${file}; sleep 0.02; done`])
      const ticks = () => (existsSync(file) ? readFileSync(file).length : 0)
      await until(() => ticks() > 4)
      await grid.driver.suspend('freeze.1')
      const stands = await until(async () => {
        const before = ticks()
        await new Promise((resolve) => {
          setTimeout(resolve, 200)
        })
        return ticks() === before ? before : null
      })
      await grid.driver.resume('freeze.1')
      await until(() => ticks() > stands)
      await grid.driver.suspend('freeze.1')
      await grid.driver.stop('freeze.1', { cause, signal: 'SIGTERM', graceMs: 60_000 })
      expect((await grid.over('freeze.1')).cause).toEqual(cause)
    })

    it('the lease ends single-copy runs at its deadlines, and no other', async () => {
      await grid.start('lease.1', ignorer, {
        singleCopy: true,
        stop: { signal: 'SIGTERM', graceMs: 600_000 },
      })
      await grid.start('lease.2', ignorer)
      await up('lease.1')
      await up('lease.2')
      const now = uptimeMs()
      await grid.lease({
        kind: 'until',
        bootId,
        termAtUptimeMs: now + 300,
        killAtUptimeMs: now + 900,
      })
      expect((await grid.over('lease.1')).cause).toEqual({ kind: 'lease-expired', node: 'n1' })
      expect((await grid.driver.facts('lease.2'))?.populated).toBe(true)
      const late = await grid.run('lease.3', ['true'], { singleCopy: true })
      expect(late.cause).toEqual({ kind: 'lease-expired', node: 'n1' })
      await grid.lease({
        kind: 'until',
        bootId: 'another-boot',
        termAtUptimeMs: now + 1e9,
        killAtUptimeMs: now + 1e9,
      })
      const other = await grid.run('lease.4', ['true'], { singleCopy: true })
      expect(other.cause).toEqual({ kind: 'lease-expired', node: 'n1' })
      await grid.lease({ kind: 'endless' })
    })

    // A storm that ends by itself: where the bound fails, the machine of the test must not.
    it('a storm of forks is bounded', async () => {
      const limits = { ...grid.plan('x', []).limits, pids: 20 }
      const storm =
        // Without cgroups the account's other threads count too, and may end meanwhile: far more than the bound.
        'for i in $(seq 10); do (for j in $(seq 30); do sleep 600 & done; wait) & done'
      await grid.start('storm.1', ['sh', '-c', `${storm}; echo up; wait`], { limits })
      await until(
        async () => (await grid.output('storm.1', 'err').catch(() => '')).includes('fork'),
        {
          what: 'a refused fork',
        },
      )
      await grid.driver.stop('storm.1', { cause, signal: 'SIGTERM', graceMs: tempoMs })
      expect((await grid.over('storm.1')).stuck).toEqual([])
    })
  },
)
