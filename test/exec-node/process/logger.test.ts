/** Logs of continuous jobs: capped, rotated, never lost to a killed logger, read as the owner. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { readSmall } from '../../../exec-node/process/kernel-file.ts'
import { readOutput, type Cursor } from '../../../exec-node/process/output.ts'
import { childrenOf } from '../../support/children.ts'
import { until } from '../../support/wait.ts'
import { isRoot, openGrid, owner, shepherdOf, type Grid } from './grid.ts'

let grid: Grid
beforeAll(async () => {
  grid = await openGrid()
})
afterAll(() => grid.close())

const log = (key: string, maxBytes = 1 << 20, keep = 2) => ({
  output: {
    kind: 'log',
    out: join(grid.work, `${key}.out`),
    err: join(grid.work, `${key}.err`),
    maxBytes,
    keep,
  } as const,
})
const cause = { kind: 'cancelled', by: 'alice', why: '' } as const
const end = (key: string) =>
  grid.driver.stop(key, { cause, signal: 'SIGTERM', graceMs: 1000 }).then(() => grid.over(key))

async function loggerOf(key: string): Promise<number | null> {
  const shepherd = await shepherdOf(grid, key)
  return childrenOf(shepherd).find(({ name }) => name === 'logger')?.pid ?? null
}

it('drains both streams to the end before the run is over', async () => {
  await grid.run('log.1', ['sh', '-c', 'seq 1 20000; seq 1 3 >&2'], log('log.1'))
  expect((await grid.output('log.1')).split('\n')).toHaveLength(20_001)
  expect(await grid.output('log.1', 'err')).toBe('1\n2\n3\n')
  expect(statSync(join(grid.work, 'log.1.out')).uid).toBe(owner.uid)
})

it('rotates: the live file keeps its name, the oldest parts go', async () => {
  await grid.run(
    'log.2',
    ['sh', '-c', 'for i in $(seq 1 40); do seq 1 500; sleep 0.01; done; echo last'],
    log('log.2', 20_000),
  )
  const file = (name: string) => join(grid.work, `log.2.out${name}`)
  expect(await readFile(file(''), 'utf8')).toMatch(/last\n$/)
  for (const name of ['', '.1', '.2']) expect(statSync(file(name)).size).toBeLessThanOrEqual(66_000)
  expect(existsSync(file('.3'))).toBe(false)
})

it('never rotates what is no file: /dev/null keeps its name whatever is written to it', async () => {
  const path = join(grid.work, 'log.20.out')
  symlinkSync('/dev/null', path)
  await grid.run('log.20', ['sh', '-c', 'seq 1 20000'], log('log.20', 20_000))
  expect(readlinkSync(path)).toBe('/dev/null')
  expect(existsSync(`${path}.1`)).toBe(false)
})

it('a killed logger is started again and the job sees nothing of it', async () => {
  await grid.start(
    'log.3',
    ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done'],
    log('log.3'),
  )
  const first = await until(() => loggerOf('log.3'))
  process.kill(first, 'SIGKILL')
  const second = await until(async () => {
    const pid = await loggerOf('log.3')
    return pid !== first ? pid : null
  })
  const size = (await grid.output('log.3')).length
  await until(async () => (await grid.output('log.3')).length > size)
  await end('log.3')
  const numbers = (await grid.output('log.3'))
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.slice(5)))
  expect(numbers).toEqual(numbers.map((_, index) => index + 1))
  expect(second).toBeGreaterThan(0)
})

it('a killed shepherd does not end the log', async () => {
  await grid.start(
    'log.4',
    ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done'],
    log('log.4'),
  )
  await until(() => loggerOf('log.4'))
  process.kill(await shepherdOf(grid, 'log.4'), 'SIGKILL')
  const size = (await grid.output('log.4')).length
  await until(async () => (await grid.output('log.4')).length > size + 50)
  expect((await end('log.4')).cause).toEqual(cause)
})

it.runIf(isRoot)('a full disk drops bytes with a marker and never blocks the job', async () => {
  const disk = join(grid.work, 'disk')
  execFileSync('mkdir', [disk])
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=64k,uid=${owner.uid},mode=755`,
    'evergrid-test',
    disk,
  ])
  try {
    const plan = {
      output: {
        kind: 'log',
        out: join(disk, 'o'),
        err: join(disk, 'e'),
        maxBytes: 1 << 20,
        keep: 1,
      } as const,
    }
    const script = `seq 1 50000; echo > ${grid.work}/went-on; while [ ! -e ${grid.work}/go ]; do sleep 0.05; done; echo after`
    await grid.start('full.1', ['sh', '-c', script], plan)
    await until(() => existsSync(join(grid.work, 'went-on')))
    execFileSync('mount', ['-o', 'remount,size=8m', disk])
    execFileSync('touch', [join(grid.work, 'go')])
    await grid.over('full.1')
    expect(await readFile(join(disk, 'o'), 'utf8')).toMatch(
      /\[evergrid: \d+ bytes dropped\]\nafter\n$/,
    )
  } finally {
    execFileSync('umount', [disk])
  }
})

it('is read in parts, through rotation, each byte once', async () => {
  const plan = log('read.1', 12_000, 90)
  // Whoever reads is there before the first rotation: what was rotated away before is not theirs to follow.
  const script =
    'echo 0; until [ -e read-on ]; do sleep 0.05; done; for i in $(seq 1 60); do seq 1 2000; sleep 0.01; done; exec sleep 600'
  await grid.start('read.1', ['sh', '-c', script], plan)
  await until(async () => (await grid.output('read.1').catch(() => '')) !== '')
  const first = await readOutput(owner, plan.output.out, { cursor: null, maxBytes: 40_000 })
  if (!first.ok) throw new Error(first.error)
  let cursor: Cursor | null = first.next
  let text = first.bytes.toString()
  await writeFile(join(grid.work, 'read-on'), '')
  const round = Array.from({ length: 2000 }, (_, index) => `${index + 1}\n`).join('')
  const wanted = `0\n${round.repeat(60)}`
  let refused: string | null = null
  const isAllRead = async () => {
    const part = await readOutput(owner, plan.output.out, { cursor, maxBytes: 40_000 })
    refused = part.ok ? null : part.error
    if (!part.ok) return false
    text += part.bytes.toString()
    cursor = part.next
    return text.length >= wanted.length
  }
  // Where it does not come to its end, what is missing says more.
  await until(isAllRead, { everyMs: 1 }).catch(() => {})
  const at = wanted.split('').findIndex((character, index) => text[index] !== character)
  const around = at < 0 ? null : [at, text.slice(at - 20, at + 60), wanted.slice(at - 20, at + 60)]
  expect({ length: text.length, around, refused }).toEqual({
    length: wanted.length,
    around: null,
    refused: null,
  })
  const tail = await readOutput(owner, plan.output.out, { cursor: null, tail: 3, maxBytes: 1000 })
  expect(tail.ok && tail.bytes.toString()).toBe('1998\n1999\n2000\n')
  expect(tail.ok && tail.endOfFile).toBe(true)
  const none = await readOutput(owner, plan.output.out, { cursor: null, tail: 0, maxBytes: 1000 })
  expect(none).toMatchObject({ ok: true, next: tail.ok && tail.next, endOfFile: true })
  expect(none.ok && none.bytes).toHaveLength(0)
  await end('read.1')
})

it.runIf(isRoot)(
  'is read on where a file system has inodes of more than 53 bits',
  async (context) => {
    const folder = join(grid.work, 'wide')
    const [lower, upper, merged] = ['lower', 'upper', 'merged'].map((name) => join(folder, name))
    execFileSync('mkdir', ['-p', lower ?? '', upper ?? '', merged ?? ''])
    execFileSync('mount', ['-t', 'tmpfs', 'evergrid-test', lower ?? ''])
    try {
      const layers = `lowerdir=${lower},upperdir=${upper}/u,workdir=${upper}/w,xino=on`
      execFileSync('mkdir', [`${upper}/u`, `${upper}/w`])
      await writeFile(`${lower}/log`, 'first\nsecond\n')
      const { status } = spawnSync('mount', [
        '-t',
        'overlay',
        'evergrid-test',
        '-o',
        layers,
        merged ?? '',
      ])
      context.skip(status !== 0, 'this machine mounts no overlay here')
      const path = join(merged ?? '', 'log')
      const { ino } = statSync(path, { bigint: true })
      expect(BigInt.asUintN(64, ino)).toBeGreaterThan(2n ** 53n)
      const first = await readOutput(owner, path, { cursor: null, maxBytes: 6 })
      if (!first.ok) throw new Error(first.error)
      const rest = await readOutput(owner, path, { cursor: first.next, maxBytes: 100 })
      expect(rest.ok && rest.bytes.toString()).toBe('second\n')
    } finally {
      spawnSync('umount', [merged ?? ''])
      execFileSync('umount', [lower ?? ''])
    }
  },
)

it('the last lines of a file with a long line are read from its end only', async () => {
  const path = join(grid.work, 'long')
  execFileSync('truncate', ['-s', '1T', path])
  const part = await readOutput(owner, path, { cursor: null, tail: 5, maxBytes: 100 })
  expect(part.ok && part.bytes.length).toBe(100)
})

it('reading refuses what is no plain file, and what the owner may not read', async () => {
  const fifo = join(grid.work, 'pipe')
  execFileSync('mkfifo', [fifo])
  expect(await readOutput(owner, fifo, { cursor: null, maxBytes: 10 })).toMatchObject({ ok: false })
  expect(await readOutput(owner, '/dev/zero', { cursor: null, maxBytes: 10 })).toMatchObject({
    ok: false,
  })
  expect(await readOutput(owner, '/no/file', { cursor: null, maxBytes: 10 })).toEqual({
    ok: false,
    error: 'open ENOENT',
  })
})

it.runIf(isRoot)('reading stops where the rights of the owner do', async () => {
  const part = await readOutput(owner, '/etc/shadow', { cursor: null, maxBytes: 10 })
  expect(part).toEqual({ ok: false, error: 'open EACCES' })
})

it('the mark of a run finds its part of an appended log', async () => {
  await grid.run('mark.1', ['echo', 'first'], log('mark'))
  const second = await grid.run('mark.2', ['echo', 'second'], log('mark'))
  const part = await readOutput(owner, log('mark').output.out, {
    cursor: null,
    fromMark: second.outMark,
    maxBytes: 100,
  })
  expect(part.ok && part.bytes.toString()).toBe('second\n')
})

it('the logger runs as the owner', async () => {
  await grid.start('who.1', ['sleep', '600'], log('who.1'))
  const pid = await until(() => loggerOf('who.1'))
  expect(readSmall(`/proc/${pid}/status`)).toContain(
    `Uid:\t${owner.uid}\t${owner.uid}\t${owner.uid}`,
  )
  await end('who.1')
})

it('is read from the oldest part that is left where its beginning is gone', async () => {
  await grid.run(
    'log.8',
    ['sh', '-c', 'for i in $(seq 1 40); do seq 1 500; sleep 0.01; done; echo last'],
    log('log.8', 20_000),
  )
  const path = join(grid.work, 'log.8.out')
  const sizes = ['.2', '.1', ''].map((name) => statSync(`${path}${name}`).size)
  let cursor: Cursor | null = null
  let read = 0
  for (let end = false; !end;) {
    const request = { cursor, fromMark: { inode: 1, offset: 0 }, maxBytes: 1 << 16 }
    const part = await readOutput(owner, path, request)
    if (!part.ok) throw new Error(part.error)
    read += part.bytes.length
    cursor = part.next
    end = part.endOfFile
  }
  expect(read).toBe(sizes.reduce((sum, size) => sum + size, 0))
})
