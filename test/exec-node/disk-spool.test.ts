import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { newRecord, newRun } from '../../exec-node/core/record.ts'
import { takeDataFolder } from '../../exec-node/data-folder.ts'
import { openSpool } from '../../exec-node/disk-spool.ts'
import { writeLease } from '../../exec-node/process/lease-file.ts'
import { order } from './grid.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evergrid-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const state = { format: 1, grid: 'g', revision: null, lease: null, answeredBootId: 'b' } as const

it('gives back what it was given, and sets aside what it cannot read', async () => {
  const spool = await openSpool(folder, writeLease)
  await spool.save(newRecord(order(1)))
  await spool.save(newRecord(order(2)))
  await spool.save(newRecord(order(3)))
  await spool.remove('3.1.1')
  await spool.saveState(state)
  await spool.writeLease({ kind: 'endless' })
  await writeFile(join(folder, 'placements', '2.1.1.json'), '{"format":1,')
  await writeFile(join(folder, 'placements', '9.1.1.json'), JSON.stringify(newRecord(order(8))))
  await writeFile(join(folder, 'placements', '1.1.1.json.new'), 'half')
  const loaded = await (await openSpool(folder, writeLease)).load()
  expect(loaded.state).toEqual(state)
  expect(loaded.placements).toEqual([newRecord(order(1))])
  expect(loaded.damaged.map((one) => one.name).sort()).toEqual(['2.1.1.json', '9.1.1.json'])
  expect(await readdir(join(folder, 'placements'))).toEqual(['1.1.1.json'])
  expect(await readdir(join(folder, 'damaged'))).toHaveLength(2)
  expect(await readFile(join(folder, 'lease'), 'utf8')).toBe('endless\n')
})

it('an end in the middle of a replacement leaves the old record, or the new one', async () => {
  const spool = await openSpool(folder, writeLease)
  const file = (name: string) => join(folder, 'placements', name)
  await spool.save(newRecord(order(1)))
  const newer = { ...newRecord(order(1)), version: 2 }
  await writeFile(file('1.1.1.json.new'), JSON.stringify(newer).slice(0, 50))
  expect((await spool.load()).placements).toEqual([newRecord(order(1))])
  await writeFile(file('1.1.1.json.new'), JSON.stringify(newer))
  await rm(file('1.1.1.json'))
  await writeFile(join(folder, 'agent.json.new'), JSON.stringify(state))
  expect(await spool.load()).toEqual({ state, placements: [newer], damaged: [] })
  // Of a placement that was never on disk before half a record is no loss, but it is told.
  await writeFile(file('7.1.1.json.new'), 'half')
  expect((await spool.load()).damaged.map(({ name }) => name)).toEqual(['7.1.1.json'])
})

it('what cannot be settled is told, and keeps no agent from starting', async () => {
  const spool = await openSpool(folder, writeLease)
  await spool.saveState(state)
  await mkdir(join(folder, 'agent.json.new'))
  await mkdir(join(folder, 'placements', 'no record'))
  const loaded = await spool.load()
  expect(loaded.state).toEqual(state)
  expect(loaded.damaged.map(({ name }) => name)).toEqual(['agent.json.new', 'no record'])
})

it('sets aside what is JSON but no sound record, and goes on with the rest', async () => {
  const sound = {
    ...newRecord(order(1)),
    wasSingleCopy: true,
    backoff: { until: 5, untilUptimeMs: 5.5 },
    runEnding: {
      run: 1,
      cause: { kind: 'restarted', by: 'a', why: 'b' } as const,
      graceMs: 0.5,
    },
    runs: [{ bootId: 'b', state: 'over' as const, version: 1, limits: '[]', report: newRun(1) }],
  }
  const { onPartition: _, ...noPartition } = sound.order.spec
  const flawed = [
    { ...sound, runs: [null] },
    { ...sound, runs: [{ state: 'over' }] },
    { ...sound, phase: { kind: 'dancing' } },
    { ...sound, ackedVersion: 'x' },
    { ...sound, order: { ...sound.order, spec: noPartition } },
    { ...sound, order: { ...sound.order, want: null } },
    { ...sound, ending: {} },
  ]
  const spool = await openSpool(folder, writeLease)
  await spool.save(sound)
  for (const [at, record] of flawed.entries()) {
    const task = `${at + 2}.1`
    const text = JSON.stringify({ ...record, order: { ...record.order, task } })
    await writeFile(join(folder, 'placements', `${task}.1.json`), text)
  }
  const loaded = await spool.load()
  expect(loaded.placements).toEqual([sound])
  expect(loaded.damaged).toHaveLength(flawed.length)
  expect(loaded.damaged[0]?.detail).toMatch(/no placement record/)
})

it('gives up its reserve when the disk is full', async () => {
  let full = false
  const spool = await openSpool(folder, async () => {
    if (full && (await readdir(folder)).includes('reserve')) {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    }
  })
  full = true
  await spool.writeLease({ kind: 'endless' })
  expect(await readdir(folder)).not.toContain('reserve')
})

it('belongs to one agent; a lock whose holder is dead is taken over', async () => {
  const first = await takeDataFolder(folder)
  await expect(takeDataFolder(folder)).rejects.toThrow(/in use by the exec-node with pid/)
  await first.release()
  const dead = { pid: process.pid, startTicks: 1, bootId: 'earlier' }
  await writeFile(join(folder, 'exec-node.lock'), JSON.stringify(dead))
  const second = await takeDataFolder(folder)
  await second.release()
  expect(await readdir(folder)).toEqual([])
})

it('keeps secret values sealed, and leaves out what it cannot open', async () => {
  const spool = await openSpool(folder, writeLease)
  const env = { LANG: 'C', TOKEN: 'hunter2' }
  const record = newRecord({ ...order(1, {}, { env }), secrets: ['TOKEN'] })
  await spool.save(record)
  const file = await readFile(join(folder, 'placements', '1.1.1.json'), 'utf8')
  expect(file).toContain('TOKEN')
  expect(file).not.toContain('hunter2')
  expect((await (await openSpool(folder, writeLease)).load()).placements).toEqual([record])
  await rm(join(folder, 'spool-key'))
  const [lost] = (await (await openSpool(folder, writeLease)).load()).placements
  expect(lost?.order).toMatchObject({ secrets: ['TOKEN'], spec: { env: { LANG: 'C' } } })
  expect(lost?.order.spec.env).not.toHaveProperty('TOKEN')
})
