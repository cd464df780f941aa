import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { diskProbes } from '../../../exec-node/health/disk.ts'
import { watchHealth } from '../../../exec-node/health/health-watch.ts'
import { parseKernelLine } from '../../../exec-node/health/kernel-log.ts'
import { memoryErrorProbe, memoryPressureProbe } from '../../../exec-node/health/memory.ts'
import { mountOf, networkMountProbe, parseMounts } from '../../../exec-node/health/mounts.ts'
import { standardProbes } from '../../../exec-node/health/probes.ts'
import { scriptProbes } from '../../../exec-node/health/scripts.ts'
import { keptVerdicts } from '../../../exec-node/kept-verdicts.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evergrid-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('every standard probe reads this machine without failing', async () => {
  for (const probe of standardProbes({ spool: folder, tmp: '/tmp', home: '/' }, Date.now)) {
    const reading = await probe.read()
    expect(['ok', 'failing', 'critical', 'unknown'], probe.name).toContain(reading.verdict)
    expect(reading.value).not.toMatch(/NaN|undefined/)
  }
})

it.each([
  [100, 'ok'],
  [4, 'failing'],
  [0, 'critical'],
])('%d%% free is %s', async (blocksFree, verdict) => {
  const room = { blocks: 100, blocksFree, inodes: 0, inodesFree: 0 }
  const [disk, inodes] = diskProbes('spool', '/', async () => room)
  expect((await disk?.read())?.verdict).toBe(verdict)
  expect((await inodes?.read())?.verdict).toBe('ok')
})

describe('mounts', () => {
  const text = '/dev/a / ext4 rw 0 0\nsrv:/h /home\\040x nfs4 rw 0 0\n/dev/b /data ext4 ro,x 0 0\n'
  it('are read with their odd names, the deepest one counts', () => {
    const mounts = parseMounts(text)
    expect(mountOf(mounts, '/home x/me')?.type).toBe('nfs4')
    expect(mountOf(mounts, '/data')?.readOnly).toBe(true)
    expect(mountOf(mounts, '/database')?.path).toBe('/')
  })
  it('one that hangs is found, is not asked again, and holds up nothing', async () => {
    let asked = 0
    const hang = () => new Promise<void>(() => (asked += 1))
    const probe = networkMountProbe(20, async () => parseMounts(text), hang)
    const hanging = { verdict: 'failing', value: 'hanging: /home x' }
    expect(await probe.read()).toEqual(hanging)
    expect(await probe.read()).toEqual(hanging)
    expect(asked).toBe(1)
  })
})

describe('memory', () => {
  const pressure = (percent: number) => async () =>
    `some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=${percent} avg300=0 total=0\n`
  it.each([
    [0, 'ok'],
    [20.5, 'failing'],
    [60, 'critical'],
  ])('stalled for %d%% of a minute is %s', async (percent, verdict) => {
    expect((await memoryPressureProbe(pressure(percent)).read()).verdict).toBe(verdict)
  })
  it('errors count from the first reading on', async () => {
    await mkdir(join(folder, 'mc0'))
    const write = (name: string, count: number) =>
      writeFile(join(folder, 'mc0', name), `${count}\n`)
    await write('ce_count', 500)
    await write('ue_count', 0)
    const probe = memoryErrorProbe(folder)
    expect((await probe.read()).verdict).toBe('ok')
    await write('ce_count', 600)
    expect((await probe.read()).verdict).toBe('failing')
    await write('ue_count', 1)
    expect((await probe.read()).verdict).toBe('critical')
  })
})

it('a kernel line is sequence and text', () => {
  const line = '3,1234,99,-;blk_update_request: I/O error, dev sda\n SUBSYSTEM=block\n'
  expect(parseKernelLine(line)).toEqual({
    sequence: 1234,
    text: 'blk_update_request: I/O error, dev sda',
  })
})

describe('scripts of the operator', () => {
  const put = async (name: string, text: string, mode = 0o755) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`)
    await chmod(join(folder, name), mode)
  }
  it.each([
    ['echo fine', 0o755, 'ok', 'fine'],
    ['echo warm; exit 1', 0o755, 'failing', 'warm'],
    ['echo fire; exit 2', 0o755, 'critical', 'fire'],
    ['exit 7', 0o755, 'unknown', 'ended with 7'],
    ['sleep 100', 0o755, 'unknown', 'no answer within 0.3 s'],
    ['echo fine', 0o777, 'unknown', 'not run: others than root and the agent may write it'],
  ])('%s with mode %o', async (text, mode, verdict, value) => {
    await put('probe', text, mode)
    const [probe] = await scriptProbes(folder, 300)
    expect(await probe?.read()).toEqual({ verdict, value })
  })
})

it('a probe that hangs is unknown and holds up no other', async () => {
  const clock = new VirtualClock()
  let changes = 0
  const watch = watchHealth({
    clock,
    everyMs: 30_000,
    probes: [
      { name: 'hangs', threshold: '', read: () => new Promise(() => {}) },
      { name: 'bad', threshold: '', read: async () => ({ verdict: 'failing', value: 'x' }) },
    ],
    more: async () => [],
    onChange: () => (changes += 1),
    kept: { load: () => [], save: () => {} },
  })
  await clock.advance(200_000)
  watch.close()
  const verdicts = watch.reports().map(({ probe, verdict }) => [probe, verdict])
  expect(Object.fromEntries(verdicts)).toEqual({ hangs: 'unknown', bad: 'failing' })
  expect(changes).toBeGreaterThan(0)
})

it('what was bad before a restart of the agent is bad until enough readings say otherwise', async () => {
  const start = (verdict: 'ok' | 'failing') => {
    const clock = new VirtualClock()
    const probe = { name: 'disk', threshold: 't', read: async () => ({ verdict, value: verdict }) }
    const options = { clock, everyMs: 30_000, probes: [probe], more: async () => [] }
    const watch = watchHealth({ ...options, onChange() {}, kept: keptVerdicts(folder) })
    return { clock, watch, verdict: () => watch.reports()[0]?.verdict }
  }
  const first = start('failing')
  await first.clock.advance(100_000)
  expect(first.verdict()).toBe('failing')
  first.watch.close()
  const second = start('ok')
  expect(second.verdict()).toBe('failing')
  await second.clock.advance(100_000)
  expect(second.verdict()).toBe('failing')
  await second.clock.advance(60_000)
  expect(second.verdict()).toBe('ok')
  second.watch.close()
  expect(start('ok').watch.reports()).toEqual([])
})
