/** A restarted agent finds its runs as they are; damage and strangers are shown, never fatal. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { bootId, processStat } from '../../../exec-node/process/boot.ts'
import { nativeProgram } from '../../../src/lib/native-program.ts'
import { childrenOf } from '../../support/children.ts'
import { until } from '../../support/wait.ts'
import { isRoot, openGrid, shepherdOf, type Grid } from './grid.ts'

const cause = { kind: 'cancelled', by: 'alice', why: '' } as const
let grid: Grid
beforeEach(async () => {
  grid = await openGrid()
})
afterEach(() => grid.close())

it('finds what runs and what has ended meanwhile, with the same identity', async () => {
  await grid.start('a.1', ['sleep', '600'])
  await grid.start('a.2', ['sh', '-c', 'sleep 0.3; exit 7'])
  const before = await grid.running('a.1')
  await grid.driver.close()
  await until(async () => (await grid.journal('a.2').catch(() => '')).includes('empty'))
  await grid.reopen()
  const [first, second] = [await grid.driver.facts('a.1'), await grid.driver.facts('a.2')]
  expect(first).toMatchObject({
    pid: before.pid,
    startedAt: before.startedAt,
    populated: true,
    supervised: true,
  })
  expect(second).toMatchObject({ populated: false, cause: { kind: 'exit', code: 7 } })
})

it('tells of starts and ends at once', async () => {
  const told: (string | null)[] = []
  grid.driver.onChange((key) => told.push(key))
  await grid.run('tell.1', ['true'])
  expect(await until(() => told.includes('tell.1'))).toBe(true)
})

it('refuses to remove a run that lives, and leaves nothing of one that is over', async () => {
  await grid.start('rm.1', ['sleep', '600'])
  await grid.running('rm.1')
  await expect(grid.driver.remove('rm.1')).rejects.toThrow('still has processes')
  await grid.driver.stop('rm.1', { cause, signal: 'SIGTERM', graceMs: 1000 })
  await grid.over('rm.1')
  await grid.driver.remove('rm.1')
  expect(await grid.driver.facts('rm.1')).toBeNull()
  expect(readdirSync(join(grid.nodeDir, 'runs'))).toEqual([])
})

it('a run begins no second time when the agent is killed while it removes what is left of it', async () => {
  await grid.run('twice.1', ['sh', '-c', 'echo once'])
  await grid.driver.close()
  const program = fileURLToPath(new URL('removing-child.ts', import.meta.url))
  const argv = ['--import', 'tsx', program, grid.nodeDir, 'twice.1']
  expect(spawnSync(process.execPath, argv).signal).toBe('SIGKILL')
  await grid.reopen()
  expect((await grid.driver.facts('twice.1'))?.populated ?? false).toBe(false)
  await grid.run('twice.2', ['true'])
  expect(await grid.output('twice.1')).toBe('once\n')
  expect(readdirSync(join(grid.nodeDir, 'runs'))).toEqual(['twice.2'])
})

it('a record that cannot be read is set aside, its processes stay visible', async () => {
  await grid.start('bad.1', ['sleep', '600'])
  const pid = (await grid.running('bad.1')).pid ?? 0
  const shepherd = await shepherdOf(grid, 'bad.1')
  mkdirSync(join(grid.nodeDir, 'runs', 'bad.2'))
  mkdirSync(join(grid.nodeDir, 'runs', 'bad.3'))
  writeFileSync(join(grid.nodeDir, 'runs', 'bad.3', 'spec'), 'key=bad.3')
  process.kill(shepherd, 'SIGKILL')
  writeFileSync(join(grid.nodeDir, 'runs', 'bad.1', 'journal'), 'nonsense\n')
  await grid.reopen()
  const facts = await grid.driver.list()
  expect(facts.map(({ key }) => key).sort()).toEqual(['bad.1', 'bad.2', 'bad.3'])
  for (const one of facts) expect(one.oddity).toContain('damaged')
  if (grid.driver.enforcement === 'rlimit') {
    process.kill(pid, 'SIGKILL')
    const aside = facts.find(({ key }) => key === 'bad.1')?.oddity?.split(' set aside to ')[1]
    rmSync(join(aside ?? '', 'journal'))
    return
  }
  expect(facts.find(({ key }) => key === 'bad.1')?.populated).toBe(true)
  await grid.reopen()
  const stranger = (await grid.driver.list()).find(({ key }) => key === 'bad.1')
  expect(stranger).toMatchObject({
    populated: true,
    oddity: expect.stringContaining('damaged record, set aside to '),
  })
  await grid.driver.stop('bad.1', { cause, signal: 'SIGKILL', graceMs: 0 })
  await until(async () => !(await grid.driver.facts('bad.1'))?.populated)
})

it('an I/O error on the records of some runs keeps no agent from starting, and holds up no other run', async () => {
  const files = ['spec', 'journal', 'stop', 'output']
  const keys = files.map((file) => `eio.${file}`)
  for (const key of ['eio.none', ...keys]) await grid.start(key, ['sleep', '600'])
  await grid.running('eio.none')
  const running = await Promise.all(keys.map((key) => grid.running(key)))
  for (const [index, file] of files.entries()) {
    const path = join(grid.nodeDir, 'runs', keys[index] ?? '', file)
    rmSync(path, { force: true })
    symlinkSync('/proc/self/mem', path)
    expect(() => readFileSync(path)).toThrow('EIO')
  }
  await grid.reopen()
  const facts = await grid.driver.list()
  const odd = facts.filter(({ oddity }) => oddity?.includes('damaged')).map(({ key }) => key)
  expect(odd.sort()).toEqual(['eio.journal', 'eio.spec', 'eio.stop'])
  for (const { key, populated } of facts)
    expect({ key, populated }).toEqual({ key, populated: true })
  expect(facts.find(({ key }) => key === 'eio.none')?.supervised).toBe(true)
  expect(facts.find(({ key }) => key === 'eio.output')).toMatchObject({
    supervised: true,
    oddity: null,
  })
  for (const { pid } of running) process.kill(pid ?? 0, 'SIGKILL')
  // Without cgroups nobody knows the processes of a journal that cannot be read.
  const unread = facts.find(({ key }) => key === 'eio.journal')?.oddity?.split(' set aside to ')[1]
  rmSync(join(unread ?? '', 'journal'))
})

it.runIf(isRoot)('a damaged record that cannot be moved away is told of all the same', async () => {
  const folder = join(grid.nodeDir, 'runs', 'fixed.1')
  mkdirSync(folder)
  execFileSync('mount', ['--bind', folder, folder])
  try {
    await grid.reopen()
    for (const _ of [1, 2])
      expect(await grid.driver.list()).toMatchObject([
        { key: 'fixed.1', populated: false, oddity: expect.stringContaining('could not be moved') },
      ])
  } finally {
    execFileSync('umount', [folder])
  }
})

it('without cgroups a damaged record whose processes nobody knows is not said to be empty', async () => {
  const bare = await openGrid()
  const journal = (key: string) => join(bare.nodeDir, 'runs', key, 'journal')
  for (const key of ['odd.1', 'odd.2']) await bare.start(key, ['sleep', '600'])
  const pid = (await bare.running('odd.1')).pid ?? 0
  await bare.running('odd.2')
  const claim = readFileSync(journal('odd.2'), 'utf8')
  process.kill(await shepherdOf(bare, 'odd.1'), 'SIGKILL')
  const place = async (key: string) => {
    const facts = await bare.driver.facts(key)
    expect(facts).toMatchObject({ populated: true, supervised: false })
    return facts?.oddity?.split(' set aside to ')[1] ?? ''
  }
  writeFileSync(journal('odd.1'), 'nonsense\n')
  const aside = await place('odd.1')
  await expect(bare.driver.remove('odd.1')).rejects.toThrow('still has processes')
  writeFileSync(journal('odd.2'), `${claim}nonsense\n`)
  await place('odd.2')
  await bare.driver.stop('odd.2', { cause, signal: 'SIGTERM', graceMs: 1000 })
  await bare.over('odd.2')
  process.kill(pid, 'SIGKILL')
  rmSync(join(aside, 'journal'))
  await bare.close()
})

it('a folder of an earlier boot is over', async () => {
  await grid.run('boot.1', ['true'])
  const old = join(grid.nodeDir, 'runs', 'boot.2')
  mkdirSync(old)
  const spec = execFileSync('cat', [join(grid.nodeDir, 'runs', 'boot.1', 'spec')]).toString()
  writeFileSync(
    join(old, 'spec'),
    spec.replace(/boot=[^\0]*/, 'boot=earlier').replace('key=boot.1', 'key=boot.2'),
  )
  writeFileSync(
    join(old, 'journal'),
    `shepherd ${process.pid} 1 earlier\nstarted ${process.pid} 1 2 3 4:5 6:7\n`,
  )
  await grid.reopen()
  expect(await grid.driver.facts('boot.2')).toMatchObject({
    populated: false,
    cause: { kind: 'outcome-unknown', detail: 'node rebooted' },
  })
})

it('what a loss of power tore of the records holds up nothing: no run of an earlier boot lives', async () => {
  const bare = await openGrid('rlimit')
  const folder = (key: string) => join(bare.nodeDir, 'runs', key)
  const lay = (key: string, spec: string, journal: string) => {
    mkdirSync(folder(key))
    writeFileSync(join(folder(key), 'spec'), spec)
    writeFileSync(join(folder(key), 'journal'), journal)
  }
  await bare.run('torn.0', ['true'])
  const spec = readFileSync(join(folder('torn.0'), 'spec'), 'utf8').replace(
    /boot=[^\0]*/,
    'boot=earlier',
  )
  // In this boot nobody knows whose they were, and they may live.
  lay('torn.1', '', '')
  await bare.reopen()
  const [{ oddity } = { oddity: null }] = (await bare.driver.list()).filter(
    ({ key }) => key === 'torn.1',
  )
  expect(await bare.driver.facts('torn.1')).toMatchObject({ populated: true })
  rmSync(join(oddity?.split(' set aside to ')[1] ?? '', 'journal'))
  lay('torn.2', '', '')
  lay('torn.3', spec.replaceAll('torn.0', 'torn.3'), '\0\0\0')
  const half = join(bare.nodeDir, 'runs', '.torn.4')
  mkdirSync(half)
  writeFileSync(join(bare.nodeDir, 'boot'), 'earlier')
  await bare.reopen()
  expect(await bare.driver.facts('torn.2')).toBeNull()
  expect(await bare.driver.facts('torn.3')).toMatchObject({
    populated: false,
    cause: { kind: 'outcome-unknown', detail: 'node rebooted' },
    oddity: null,
  })
  expect(readdirSync(join(bare.nodeDir, 'damaged')).join()).toContain('torn.2')
  expect(readFileSync(join(bare.nodeDir, 'boot'), 'utf8')).toBe(bootId)
  await bare.close()
})

it('what was damaged in this boot holds its place also after the agent was started again, until it is known to be over', async () => {
  const bare = await openGrid('rlimit')
  const damage = async (key: string, spoil: (journal: string) => string) => {
    await bare.start(key, ['sleep', '600'])
    const { pid } = await bare.running(key)
    process.kill(await shepherdOf(bare, key), 'SIGKILL')
    const path = join(bare.nodeDir, 'runs', key, 'journal')
    writeFileSync(path, spoil(readFileSync(path, 'utf8')))
    return pid ?? 0
  }
  // Of one the processes can still be told, of the other nothing.
  const told = await damage('kept.1', (journal) => `${journal}torn\n`)
  const untold = await damage('kept.2', () => '\0\0\0')
  for (let starts = 0; starts < 2; starts += 1) {
    await bare.reopen()
    for (const key of ['kept.1', 'kept.2'])
      expect((await bare.driver.list()).find((facts) => facts.key === key)).toMatchObject({
        populated: true,
        oddity: expect.stringContaining('damaged record, set aside to '),
      })
  }
  await bare.driver.stop('kept.1', { cause, signal: 'SIGTERM', graceMs: 1000 })
  await bare.over('kept.1')
  expect(['Z', undefined]).toContain(processStat(told)?.state)
  await bare.driver.remove('kept.1')
  await expect(bare.driver.remove('kept.2')).rejects.toThrow('still has processes')
  // An operator has looked, and takes away what was set aside.
  process.kill(untold, 'SIGKILL')
  rmSync(join(bare.nodeDir, 'damaged'), { recursive: true })
  expect(await bare.driver.facts('kept.2')).toMatchObject({ populated: false })
  await bare.driver.remove('kept.2')
  // The next one finds its place all the same.
  const next = await damage('kept.3', () => '\0\0\0')
  expect((await bare.driver.list()).find(({ key }) => key === 'kept.3')).toMatchObject({
    oddity: expect.stringContaining('set aside to /'),
  })
  process.kill(next, 'SIGKILL')
  rmSync(join(bare.nodeDir, 'damaged'), { recursive: true })
  await bare.driver.remove('kept.3')
  await bare.reopen()
  expect(await bare.driver.list()).toEqual([])
  await bare.close()
})

it.runIf(isRoot)(
  'a half-made folder that cannot be removed keeps no agent from starting',
  async () => {
    const folder = join(grid.nodeDir, 'runs', '.half')
    mkdirSync(folder)
    execFileSync('mount', ['--bind', folder, folder])
    try {
      await grid.reopen()
      expect(await grid.driver.list()).toEqual([])
    } finally {
      execFileSync('umount', [folder])
    }
  },
)

it('a start that the launcher did not come to is taken up again', async () => {
  await grid.run('late.0', ['true'])
  await grid.driver.close()
  const folder = join(grid.nodeDir, 'runs', 'late.1')
  mkdirSync(folder)
  const spec = execFileSync('cat', [join(grid.nodeDir, 'runs', 'late.0', 'spec')]).toString()
  writeFileSync(join(folder, 'spec'), spec.replaceAll('late.0', 'late.1'))
  await grid.reopen()
  expect((await grid.over('late.1')).cause).toEqual({ kind: 'exit', code: 0 })
})

it('a shepherd that ended before it could claim its folder is followed by another', async () => {
  await grid.run('lost.0', ['true'])
  const launchers = () => childrenOf(process.pid).filter(({ name }) => name === 'shepherd')
  // What it forks ends at its first write: as with no memory or no room.
  const fileSize = (soft: string) => {
    for (const { pid } of launchers())
      execFileSync('prlimit', ['--pid', String(pid), `--fsize=${soft}:`])
  }
  fileSize('0')
  await grid.start('lost.1', ['sh', '-c', 'echo once'])
  await grid.start('lost.2', ['sh', '-c', 'echo never'])
  await grid.driver.stop('lost.2', { cause, signal: 'SIGTERM', graceMs: 1000 })
  const begun = (key: string) =>
    readdirSync(join(grid.nodeDir, 'runs', key))
      .join()
      .includes('journal.')
  await until(() => begun('lost.1') && begun('lost.2'), { what: 'two lost shepherds' })
  expect(await grid.driver.facts('lost.1')).toMatchObject({ populated: true, pid: null })
  fileSize('unlimited')
  expect((await grid.over('lost.1')).cause).toEqual({ kind: 'exit', code: 0 })
  expect(await grid.output('lost.1')).toBe('once\n')
  expect((await grid.over('lost.2')).cause).toEqual(cause)
})

it('a shepherd whose folder was moved away begins nothing', async () => {
  await grid.run('moved.0', ['true'])
  const spec = readFileSync(join(grid.nodeDir, 'runs', 'moved.0', 'spec'), 'utf8')
  const folder = join(grid.nodeDir, 'damaged', 'moved.1.1')
  mkdirSync(folder)
  writeFileSync(join(folder, 'spec'), spec.replaceAll('moved.0', 'moved.1'))
  spawnSync(nativeProgram('shepherd'), { input: `${folder}\0` })
  const journal = join(folder, 'journal')
  await until(() => existsSync(journal), { what: 'a claim' })
  const pid = Number(readFileSync(journal, 'utf8').split(' ')[1])
  await until(() => processStat(pid) === null, { what: 'the end of that shepherd' })
  expect(existsSync(join(grid.work, 'moved.1.out'))).toBe(false)
})

it('lists 500 runs quickly', async () => {
  const keys = Array.from({ length: 500 }, (_, index) => `many.${index}`)
  for (const key of keys) await grid.start(key, ['sleep', '600'])
  await until(async () => (await grid.driver.list()).filter((facts) => facts.pid).length === 500, {
    everyMs: 200,
    timeoutMs: 50_000,
  })
  const begin = performance.now()
  await grid.reopen()
  const facts = await grid.driver.list()
  console.log(`500 runs adopted and listed in ${Math.round(performance.now() - begin)} ms`)
  expect(facts.filter((one) => one.populated && one.supervised)).toHaveLength(500)
}, 120_000)
