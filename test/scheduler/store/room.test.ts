/** A full disk, a disk that cannot be written, and copies. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { expect, test } from 'vitest'

import type { Fault } from '../../../scheduler/store/engine.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { prepareDataFolder } from '../../../scheduler/store/open.ts'
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { submitChanges } from '../../support/store-rows.ts'
import { databasePath, smallDisk } from './place.ts'

const mebibyte = 1 << 20

/** As a disk that has no page left. */
const stopGrowing: Fault = (point, db) => {
  if (point === 'before') db.pragma('max_page_count = 1')
}

/** Fills what is left of a disk. */
function fill(folder: string) {
  const path = join(folder, 'filler')
  spawnSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=4096'])
  return { path, remove: () => rmSync(path) }
}

test('on a full disk the reserve is given up, later taken back, and reading goes on', async (context) => {
  const disk = smallDisk(16 * mebibyte) ?? context.skip('needs the right to mount')
  const path = join(disk, 'evergrid.db')
  const told: boolean[] = []
  const options = { reserveBytes: 2 * mebibyte, onReserve: (held: boolean) => told.push(held) }
  const store = await openStore(path, options)
  await store.commit(submitChanges(1))
  expect(statSync(`${path}-reserve`).size).toBe(2 * mebibyte)

  const filler = fill(disk)
  let id = 1
  while (told.length === 0) await store.commit(submitChanges(++id))
  expect(existsSync(`${path}-reserve`)).toBe(false)
  await store.commit(submitChanges(++id))

  filler.remove()
  await store.commit(submitChanges(++id))
  expect(told).toEqual([false, true])
  expect(statSync(`${path}-reserve`).size).toBe(2 * mebibyte)

  rmSync(`${path}-reserve`)
  fill(disk)
  const full = async () => {
    for (;;) await store.commit(submitChanges(++id))
  }
  await expect(full()).rejects.toMatchObject({ kind: 'full' })
  expect((await store.load()).jobs).toHaveLength(id - 1)
  await store.close()

  fill(disk)
  const reader = await openStore(path, { readOnly: true })
  expect((await reader.load()).jobs).toHaveLength(id - 1)
  await expect(reader.commit(submitChanges(99))).rejects.toMatchObject({ kind: 'read-only' })
  await reader.close()
})

test('a database that may not grow takes the reserve once, then says that it is full', async () => {
  const path = databasePath()
  const told: boolean[] = []
  const store = inThreadStore(path, {
    reserveBytes: mebibyte,
    onReserve: (held) => told.push(held),
    fault: stopGrowing,
  })
  const big = submitChanges(1, { specJson: 'x'.repeat(mebibyte) })
  await expect(store.commit(big)).rejects.toMatchObject({
    kind: 'full',
    message: expect.stringContaining('make room'),
  })
  expect(told).toEqual([false])
  expect((await store.load()).jobs).toEqual([])
  await store.close()
})

test('a read-only file system is refused for writing and read all the same', async (context) => {
  const disk = smallDisk(16 * mebibyte) ?? context.skip('needs the right to mount')
  const path = join(disk, 'evergrid.db')
  const store = await openStore(path, { reserveBytes: 0 })
  await store.commit(submitChanges(1))
  await store.close()
  spawnSync('mount', ['-o', 'remount,ro', disk])
  await expect(openStore(path)).rejects.toMatchObject({ kind: 'read-only' })
  const reader = await openStore(path, { readOnly: true })
  expect((await reader.load()).jobs).toHaveLength(1)
  await reader.close()
})

test('nothing to read is said so', async () => {
  await expect(openStore(databasePath(), { readOnly: true })).rejects.toThrow(/no database/)
})

test('a copy made while commits go on is whole', async () => {
  const path = databasePath()
  const store = await openStore(path, { reserveBytes: 0 })
  for (let id = 1; id <= 200; id++) await store.commit(submitChanges(id))
  const copying = store.backup(`${path}.copy`)
  for (let id = 201; id <= 220; id++) await store.commit(submitChanges(id))
  await copying
  await store.close()
  expect(statSync(`${path}.copy`).mode & 0o777).toBe(0o600)
  const copy = await openStore(`${path}.copy`, { reserveBytes: 0 })
  const { jobs, tasks } = await copy.load()
  expect(jobs.length).toBeGreaterThanOrEqual(200)
  expect(tasks).toHaveLength(jobs.length)
  await copy.close()
})

test('a copy that cannot be made leaves the store at work', async () => {
  const path = databasePath()
  const store = await openStore(path, { reserveBytes: 0 })
  await expect(store.backup(`${path}-no/such/folder`)).rejects.toMatchObject({ kind: 'failed' })
  await store.commit(submitChanges(1))
  await store.close()
})

test('the data folder is made private, and refused where others can look in', () => {
  const folder = join(dirname(databasePath()), 'a', 'b')
  expect(prepareDataFolder(folder)).toBe(join(folder, 'evergrid.db'))
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  chmodSync(folder, 0o755)
  prepareDataFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  writeFileSync(join(folder, 'file'), '')
  chmodSync(folder, 0o755)
  expect(() => prepareDataFolder(folder)).toThrow(/chmod 700/)
  expect(() => prepareDataFolder(join(folder, 'file', 'under'))).toThrow(/cannot make/)
})
