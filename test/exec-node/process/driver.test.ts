/** Limits, checks and accounts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { lookUpUser } from '../../../exec-node/process/identity.ts'
import { signalName, signalNumber } from '../../../exec-node/process/signals.ts'
import { until } from '../../support/wait.ts'
import { openGrid, owner, type Grid } from './grid.ts'

let grid: Grid
beforeAll(async () => {
  grid = await openGrid()
  await grid.lease({ kind: 'endless' })
})
afterAll(() => grid.close())
const cause = { kind: 'cancelled', by: 'alice', why: '' } as const

it('measures processor time and memory', async () => {
  const script =
    'const a=Buffer.alloc(40<<20,1);while(process.cpuUsage().user<200e3);process.exit(a[0]-1)'
  const facts = await grid.run('use.1', [process.execPath, '-e', script])
  expect(facts.cause).toEqual({ kind: 'exit', code: 0 })
  expect(facts.usage.cpuMs).toBeGreaterThan(100)
  expect(facts.usage.peakMemBytes).toBeGreaterThan(40 << 20)
})

it('limits memory and swap together where swap is counted', async () => {
  if (grid.driver.enforcement !== 'cgroup1') return
  const { limits } = grid.plan('x', [])
  await grid.start('swap.1', ['sleep', '600'], { limits: { ...limits, memBytes: 64 << 20 } })
  const { pid } = await grid.running('swap.1')
  const path = /^\d+:memory:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
  const file = join('/sys/fs/cgroup/memory', path, 'memory.memsw.limit_in_bytes')
  const limit = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'not counted'
  expect(limit).toMatch(/^(67108864|not counted)$/)
  await grid.driver.stop('swap.1', { cause, signal: 'SIGTERM', graceMs: 1000 })
  await grid.over('swap.1')
})

it('changes the limits of a live run', async () => {
  const limits = grid.plan('x', []).limits
  await grid.start('limit.1', ['sleep', '600'], { limits: { ...limits, memBytes: 64 << 20 } })
  await grid.running('limit.1')
  const applied = grid.driver.enforcement !== 'rlimit'
  for (const memBytes of [128 << 20, 32 << 20, null])
    expect(
      await grid.driver.limit('limit.1', {
        ...limits,
        memBytes,
        cpuCores: 1.5,
        cpuWeight: 2048,
        pids: 50,
      }),
    ).toBe(applied)
  await grid.driver.stop('limit.1', { cause, signal: 'SIGTERM', graceMs: 1000 })
  await grid.over('limit.1')
})

it('checks run as the owner with the environment of the run, and end in time', async () => {
  await grid.start('check.1', ['sleep', '600'], { env: { PATH: '/usr/bin:/bin', WORD: 'green' } })
  await grid.running('check.1')
  const good = await grid.driver.check('check.1', ['sh', '-c', 'echo $WORD $(id -u) $PWD'], 5000)
  expect(good).toEqual({ ok: true, detail: `exit 0: green ${owner.uid} ${grid.work}` })
  expect(await grid.driver.check('check.1', ['false'], 5000)).toEqual({
    ok: false,
    detail: 'exit 1',
  })
  expect(await grid.driver.check('check.1', ['sleep', '60'], 100)).toEqual({
    ok: false,
    detail: 'no answer within 100 ms',
  })
  await grid.driver.stop('check.1', { cause, signal: 'SIGTERM', graceMs: 1000 })
  await grid.over('check.1')
})

it.each(['files', 'log'] as const)('tells when a run last wrote, with %s', async (kind) => {
  const key = `wrote.${kind}`
  const files = { out: join(grid.work, `${key}.out`), err: join(grid.work, `${key}.err`) }
  const output = kind === 'files' ? { kind, ...files } : { kind, ...files, maxBytes: 1e6, keep: 1 }
  await grid.start(key, ['sh', '-c', 'sleep 0.3; echo word; exec sleep 600'], { output })
  const facts = await until(async () => {
    const now = await grid.driver.facts(key)
    return now?.lastOutputAt ? now : null
  })
  expect((facts.lastOutputAt ?? 0) - (facts.startedAt ?? 0)).toBeGreaterThan(200)
  await grid.driver.stop(key, { cause, signal: 'SIGTERM', graceMs: 1000 })
  await grid.over(key)
})

it('knows accounts by name', async () => {
  expect(await lookUpUser('root')).toMatchObject({
    ok: true,
    identity: { uid: 0, gid: 0, home: '/root' },
  })
  expect(await lookUpUser('no-such-user')).toEqual({
    ok: false,
    error: 'unknown-user',
    detail: 'no-such-user',
  })
  for (const name of ['0', '-x', 'a:b', ''])
    expect(await lookUpUser(name)).toMatchObject({ ok: false, error: 'unknown-user' })
})

it('knows signals by name and number', () => {
  expect([
    signalNumber('term'),
    signalNumber('SIGKILL'),
    signalNumber('10'),
    signalNumber('nonsense'),
  ]).toEqual([15, 9, 10, null])
  expect([signalName(11), signalName(6), signalName(36)]).toEqual([
    'SIGSEGV',
    'SIGABRT',
    'SIGRTMIN+2',
  ])
})
