/** A /tmp of its own for each run: TMPDIR, bound over /tmp in a mount namespace of the run. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { chmod, chown } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { chooseCgroup } from '../../../exec-node/process/choose-cgroup.ts'
import { problemOfPrivateTmp } from '../../../exec-node/process/private-tmp.ts'
import { until } from '../../support/wait.ts'
import { isRoot, openGrid, owner, type Grid } from './grid.ts'

let grid: Grid
let shared: string
beforeAll(async () => {
  grid = await openGrid()
  shared = mkdtempSync('/tmp/evergrid-everybodys-')
  await chown(shared, owner.uid, owner.gid)
  await chmod(shared, 0o755)
})
afterAll(async () => {
  rmSync(shared, { recursive: true })
  await grid.close()
})

const ended = { kind: 'cancelled', by: 'test', why: 'end' } as const
const sh = (script: string): string[] => ['/bin/sh', '-c', script]

describe.skipIf(!isRoot)('as root', () => {
  it('is empty but for what the run puts there, its own, and gone after it', async () => {
    expect(await problemOfPrivateTmp()).toBeNull()
    const plan = {
      privateTmp: true,
      files: [{ path: join(grid.work, 'tmp-own.1', '.job-script'), text: 'echo from the script' }],
    }
    const script = 'ls -A /tmp; echo x > /tmp/mine; stat -c "%u %a" /tmp; sh /tmp/.job-script'
    expect((await grid.run('own.1', sh(script), plan)).cause).toEqual({ kind: 'exit', code: 0 })
    expect(await grid.output('own.1')).toBe(`.job-script\n${owner.uid} 700\nfrom the script\n`)
    expect(existsSync('/tmp/mine')).toBe(false)
    await grid.driver.remove('own.1')
    expect(existsSync(join(grid.work, 'tmp-own.1'))).toBe(false)
  })

  it('is another for every run, and the machine’s stays what it is', async () => {
    await grid.start('a.1', sh('echo a > /tmp/who; exec sleep 600'), { privateTmp: true })
    await grid.running('a.1')
    await grid.run('b.1', sh('cat /tmp/who; echo b > /tmp/who; cat /tmp/who'), { privateTmp: true })
    expect(await grid.output('b.1')).toBe('b\n')
    await grid.run('c.1', sh(`ls -d ${shared}`))
    expect(await grid.output('c.1')).toBe(`${shared}\n`)
    const check = await grid.driver.check('a.1', sh(`cat /tmp/who; ls ${shared}`), 5_000)
    expect(check.detail).toContain('a\n')
    expect(check.ok).toBe(false)
    await grid.driver.stop('a.1', { cause: ended, signal: 'SIGTERM', graceMs: 1_000 })
    await grid.over('a.1')
  })

  it('hides neither the working folder nor the files of input and output', async () => {
    writeFileSync(join(shared, 'in'), 'from outside\n')
    const files = { kind: 'files', out: join(shared, 'out'), err: join(shared, 'err') } as const
    const more = { privateTmp: true, cwd: shared, stdin: join(shared, 'in'), output: files }
    await grid.run('folder.1', sh(`cat; cat in; ls -d ${shared}`), more)
    expect(readFileSync(files.out, 'utf8')).toBe('from outside\nfrom outside\n')
    expect(readFileSync(files.err, 'utf8')).toContain('No such file')
  })

  it.each([
    ['a symlink', (folder: string) => symlinkSync('/etc', folder)],
    ['a folder of somebody else’s', (folder: string) => mkdirSync(folder)],
  ])('%s that was put in the place of TMPDIR is not bound', async (what, plant) => {
    const key = `planted-${what.length}.1`
    const folder = join(grid.work, `tmp-${key}`)
    await grid.start(key, ['sleep', '600'], { privateTmp: true })
    await grid.running(key)
    renameSync(folder, `${folder}-away`)
    plant(folder)
    const check = await grid.driver.check(key, ['ls', '/tmp'], 5_000)
    expect(check).toMatchObject({ ok: false, detail: expect.stringContaining('mount') })
    rmSync(folder, { recursive: true })
    await grid.driver.stop(key, { cause: ended, signal: 'SIGTERM', graceMs: 1_000 })
    await grid.over(key)
  })

  it('a command that is killed before it was let go has executed nothing, whatever becomes of its helper', async ({
    skip,
  }) => {
    const key = 'killed.1'
    const argv = ['sh', '-c', 'echo ran']
    const plan = grid.plan(key, argv, { privateTmp: true })
    // Its cgroup is frozen before it goes in: there it stays, and its helper outside waits.
    const cgroup = chooseCgroup(grid.gridTag).plan(key, plan.limits)
    skip(cgroup.procs.length === 0, 'no cgroups')
    for (const folder of cgroup.make) mkdirSync(folder, { recursive: true })
    for (const { path, value } of cgroup.freeze) writeFileSync(path, value)
    await grid.driver.start(plan)
    const [procs = ''] = cgroup.procs
    const main = await until(() => Number(readFileSync(procs, 'utf8').split('\n')[0]) || null)
    const children = () => readFileSync(`/proc/${main}/task/${main}/children`, 'utf8')
    const helper = await until(() => Number(children().trim()) || null, { what: 'the helper' })
    expect(readdirSync(`/proc/${helper}/fd`)).toEqual(['0'])
    process.kill(helper, 'SIGSTOP')
    process.kill(main, 'SIGKILL')
    for (const { path, value } of cgroup.thaw) writeFileSync(path, value)
    try {
      const facts = () => grid.driver.facts(key)
      const told = await until(async () => ((await facts())?.cause ? facts() : null))
      expect(told).toMatchObject({
        startedAt: null,
        cause: { kind: 'could-not-start', call: 'start', error: 'ECANCELED' },
      })
    } finally {
      process.kill(helper, 'SIGCONT')
    }
    await grid.over(key)
  })

  it('leaves nothing mounted on the machine', () => {
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('tmp-own.1')
  })
})

it.skipIf(isRoot)('is refused to who may not mount, in words', async () => {
  expect(await problemOfPrivateTmp()).toBe('unshare EPERM')
})
