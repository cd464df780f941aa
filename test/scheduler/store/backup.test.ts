/** Backups and restores of real files: whole, proved, private, and never over what somebody may still need. */
import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import SqliteDatabase from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { backUp, readMark } from '../../../scheduler/store/backup.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { migrationsIn } from '../../../scheduler/store/migrate.ts'
import { databaseIn, prepareDataFolder } from '../../../scheduler/store/open.ts'
import { restore } from '../../../scheduler/store/restore.ts'
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { submitChanges } from '../../support/store-rows.ts'
import { until } from '../../support/wait.ts'
import { databasePath, smallDisk } from './place.ts'

const schema = migrationsIn().length
const now = Date.UTC(2026, 10, 27, 8)
const noReserve = { reserveBytes: 0 }
const secret = `${'ab'.repeat(32)}\n`

/** A folder with a database of some jobs, closed in order. */
async function filled(jobs = [1, 2, 3]): Promise<string> {
  const folder = join(dirname(databasePath()), 'scheduler')
  const store = inThreadStore(prepareDataFolder(folder), noReserve)
  for (const id of jobs) await store.commit(submitChanges(id))
  await store.commit([
    { put: 'meta', key: 'grid', value: 'grid-1' },
    { put: 'meta', key: 'incarnation', value: '7' },
  ])
  await store.close()
  writeFileSync(join(folder, 'node-secret'), secret, { mode: 0o600 })
  return folder
}

const fileIn = (folder: string, name = 'copy') => join(dirname(folder), name)
const backUpTo = (folder: string, file: string, overwrite = false) =>
  backUp({ folder, file, overwrite, version: '9.8.7', now, schema })
const restoreFrom = (file: string, folder: string, overwrite = false, known = schema) =>
  restore({ folder, file, overwrite, now: now + 5_000, schema: known })

async function jobsIn(path: string): Promise<number[]> {
  const store = await openStore(path, { readOnly: true })
  const { jobs } = await store.load()
  await store.close()
  return jobs.map(({ id }) => id)
}

test('a backup of a folder that is not in use, and the way back', async () => {
  const folder = await filled()
  const file = fileIn(folder)
  const facts = backUpTo(folder, file)
  expect(facts).toMatchObject({ schema, grid: 'grid-1', liveJobs: 3, secrets: ['node-secret'] })
  expect(facts.bytes).toBe(statSync(file).size)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(dirname(folder)).filter((name) => name.includes('partial'))).toEqual([])

  const fresh = fileIn(folder, 'elsewhere')
  const told = restoreFrom(file, fresh)
  expect(told).toMatchObject({ keptAside: null, madeAt: now, version: '9.8.7', liveJobs: 3 })
  expect(told.secrets).toEqual({ restored: ['node-secret'], kept: [] })
  expect(readFileSync(join(fresh, 'node-secret'), 'utf8')).toBe(secret)
  expect(statSync(join(fresh, 'node-secret')).mode & 0o777).toBe(0o600)
  expect(statSync(fresh).mode & 0o777).toBe(0o700)
  expect(await jobsIn(databaseIn(fresh))).toEqual([1, 2, 3])
  // The mark stays for the next start, the secrets do not stay in the database.
  const db = new SqliteDatabase(databaseIn(fresh), { readonly: true })
  expect(readMark(db)).toMatchObject({ madeAt: now, secrets: {} })
  db.close()
})

test('a backup made while another process commits is of one moment', async () => {
  const folder = await filled([])
  const program = fileURLToPath(new URL('committing-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', program, databaseIn(folder), '1'])
  onTestFinished(() => void child.kill('SIGKILL'))
  let acknowledged = ''
  child.stdout.on('data', (data: Buffer) => (acknowledged += data.toString()))
  await until(() => acknowledged.split('\n').length > 100, { what: 'commits' })
  const before = acknowledged.split('\n').slice(0, -1).map(Number)
  const file = fileIn(folder)
  backUpTo(folder, file)
  const store = await openStore(file, { readOnly: true })
  const { jobs, tasks } = await store.load()
  const events = await store.query('eventsAfter', { id: 0, limit: 10_000_000, job: null })
  await store.close()
  const ids = new Set(jobs.map(({ id }) => id))
  expect(before.filter((id) => !ids.has(id))).toEqual([])
  expect(tasks).toHaveLength(jobs.length)
  expect(events).toHaveLength(2 * jobs.length)
  const seen = acknowledged.length
  await until(() => acknowledged.length > seen, { what: 'more commits' })
  expect(() => restoreFrom(file, folder, true)).toThrow(/another scheduler is running/)
})

test('what exists is written over only when told', async () => {
  const folder = await filled()
  const file = fileIn(folder)
  writeFileSync(file, 'precious')
  expect(() => backUpTo(folder, file)).toThrow(/exists/)
  expect(readFileSync(file, 'utf8')).toBe('precious')
  backUpTo(folder, file, true)
  expect(await jobsIn(file)).toEqual([1, 2, 3])
  const link = fileIn(folder, 'link')
  symlinkSync(file, link)
  expect(() => backUpTo(folder, link, true)).toThrow(/not a plain file/)
  expect(() => backUpTo(folder, dirname(folder), true)).toThrow(/not a plain file/)
  expect(() => backUpTo(folder, fileIn(folder, 'no/such/folder'))).toThrow(/ENOENT/)

  expect(() => restoreFrom(file, folder)).toThrow(/has a database already: nothing was changed/)
  const store = await openStore(databaseIn(folder), noReserve)
  await store.commit(submitChanges(40))
  await store.close()
  const { keptAside, secrets, since } = restoreFrom(file, folder, true)
  expect(secrets).toEqual({ restored: [], kept: ['node-secret'] })
  expect(since).toEqual({ joined: [], withdrawn: 0 })
  expect(await jobsIn(databaseIn(folder))).toEqual([1, 2, 3])
  expect(await jobsIn(keptAside ?? '')).toEqual([1, 2, 3, 40])
  const db = new SqliteDatabase(databaseIn(folder), { readonly: true })
  expect(readMark(db)?.seen).toEqual({ incarnation: 7, nextJob: 41 })
  db.close()
})

test('the log of a scheduler that was killed is part of what is backed up and of what is kept aside', async () => {
  const folder = await filled([])
  const program = fileURLToPath(new URL('committing-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', program, databaseIn(folder), '1'])
  let acknowledged = ''
  child.stdout.on('data', (data: Buffer) => (acknowledged += data.toString()))
  await until(() => acknowledged.split('\n').length > 40, { what: 'commits' })
  child.kill('SIGKILL')
  await until(() => child.signalCode !== null)
  expect(existsSync(`${databaseIn(folder)}-wal`)).toBe(true)
  const last = Math.max(...acknowledged.split('\n').map(Number))
  const file = fileIn(folder)
  backUpTo(folder, file)
  expect(await jobsIn(file)).toContain(last)
  const empty = await filled([])
  backUpTo(empty, fileIn(empty))
  const { keptAside } = restoreFrom(fileIn(empty), folder, true)
  expect(await jobsIn(keptAside ?? '')).toContain(last)
  expect(await jobsIn(databaseIn(folder))).toEqual([])
  expect(existsSync(`${databaseIn(folder)}-wal`)).toBe(false)
})

test('of a damaged database none is made, and it is the database that is named', async () => {
  const folder = await filled()
  const path = databaseIn(folder)
  const db = new SqliteDatabase(path)
  const pageOfJobs = Number(
    db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'job'`).pluck().get(),
  )
  db.close()
  const [bytes, whole] = [readFileSync(path), readFileSync(path)]
  writeFileSync(path, bytes.fill(0xa5, 4096 * 2))
  const names = `${path}: the database is damaged`
  expect(() => backUpTo(folder, fileIn(folder))).toThrow(names)
  // Of which more can be read.
  writeFileSync(path, whole.fill(0xa5, pageOfJobs * 4096 - 4096, pageOfJobs * 4096))
  expect(() => backUpTo(folder, fileIn(folder))).toThrow(names)
  expect(existsSync(fileIn(folder))).toBe(false)
})

test('what cannot be read of the database is told of it, what cannot be written of the copy', async () => {
  const folder = await filled()
  const db = new SqliteDatabase(databaseIn(folder))
  db.exec('ALTER TABLE meta RENAME TO other')
  expect(() => backUpTo(folder, fileIn(folder))).toThrow(`${databaseIn(folder)}: no such table`)
  db.exec('ALTER TABLE other RENAME TO meta')
  db.close()
  const nowhere = fileIn(folder, 'no/such/folder')
  expect(() => backUpTo(folder, nowhere)).toThrow(`${nowhere}: ENOENT`)
})

test('what another process writes is not copied past its lock', async () => {
  const folder = await filled()
  const writer = new SqliteDatabase(databaseIn(folder))
  // As a restored database is until its first start: no log lies beside it.
  writer.pragma('journal_mode = DELETE')
  writer.exec('BEGIN EXCLUSIVE; DELETE FROM job')
  expect(() => backUpTo(folder, fileIn(folder))).toThrow(/another process holds the database/)
  writer.exec('ROLLBACK')
  writer.close()
  backUpTo(folder, fileIn(folder))
})

test('a disk that is full under the folder is what is named, not the backup', async (context) => {
  const folder = await filled()
  const file = fileIn(folder)
  backUpTo(folder, file)
  const small = smallDisk(64 * 1024) ?? context.skip('needs the right to mount')
  expect(() => restoreFrom(file, small)).toThrow(`${databaseIn(small)}: the disk is full`)
  expect(readdirSync(small)).toEqual(['evergrid.db-lock'])
})

test('a damaged, foreign, missing or newer backup changes nothing', async () => {
  const folder = await filled()
  const file = fileIn(folder)
  backUpTo(folder, file)
  const before = readFileSync(databaseIn(folder))
  const damaged = fileIn(folder, 'damaged')
  const bytes = readFileSync(file)
  writeFileSync(damaged, bytes.fill(0xa5, 4096 * 2))
  expect(() => restoreFrom(damaged, folder, true)).toThrow(/damaged/)
  writeFileSync(damaged, bytes.subarray(0, bytes.length / 2))
  expect(() => restoreFrom(damaged, folder, true)).toThrow(/damaged/)
  writeFileSync(damaged, 'no database at all, only a text that is long enough'.repeat(99))
  expect(() => restoreFrom(damaged, folder, true)).toThrow(`${damaged}: the file is not a database`)
  expect(() => restoreFrom(fileIn(folder, 'nowhere'), folder, true)).toThrow(/there is no file/)
  const pipe = fileIn(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, dirname(folder)])
    expect(() => restoreFrom(path, folder, true)).toThrow(`${path} is not a plain file`)
  expect(() => restoreFrom(file, folder, true, schema - 1)).toThrow(
    new RegExp(
      `has schema ${schema}, this Evergrid knows schemas up to ${schema - 1}: restore it with Evergrid 9\\.8\\.7`,
    ),
  )
  expect(readFileSync(databaseIn(folder))).toEqual(before)
  expect(readdirSync(folder).filter((name) => /partial|before-restore/.test(name))).toEqual([])
})

test('a database that cannot be read gives way all the same, and is kept as it was', async () => {
  const folder = await filled()
  const file = fileIn(folder)
  backUpTo(folder, file)
  writeFileSync(databaseIn(folder), 'rubbish, and rather a lot of it '.repeat(500))
  const broken = readFileSync(databaseIn(folder))
  const { keptAside, since } = restoreFrom(file, folder, true)
  expect(since).toBeNull()
  expect(readFileSync(keptAside ?? '')).toEqual(broken)
  expect(await jobsIn(databaseIn(folder))).toEqual([1, 2, 3])
})

test('what was restored and has not started since is no newer than its backup, and still has to jump', async () => {
  const folder = await filled()
  const file = fileIn(folder)
  backUpTo(folder, file)
  const store = await openStore(databaseIn(folder), noReserve)
  await store.commit(submitChanges(40))
  await store.close()
  restoreFrom(file, folder, true)
  const second = fileIn(folder, 'second')
  backUp({ folder, file: second, overwrite: false, version: '9', now: now + 9_000, schema })
  const elsewhere = fileIn(folder, 'elsewhere')
  for (const over of [folder, elsewhere]) {
    expect(restoreFrom(second, over, true).madeAt).toBe(now)
    const db = new SqliteDatabase(databaseIn(over), { readonly: true })
    expect(readMark(db)?.seen).toEqual({ incarnation: 7, nextJob: 41 })
    db.close()
  }
})

test('rights are taken over only from a database that has grown from the backup', async () => {
  const folder = await filled()
  const file = fileIn(folder)
  backUpTo(folder, file)
  const other = await filled([1, 2, 7])
  const share = { owner: 'anna', job: 0, group: 'staff', by: 'anna', at: 1 }
  const store = await openStore(databaseIn(folder), noReserve)
  await store.commit([{ put: 'sharing', row: share }])
  await store.close()
  const shared = fileIn(folder, 'shared')
  backUpTo(folder, shared)
  expect(restoreFrom(shared, other, true).since).toBeNull()
  const sharesIn = (place: string) => {
    const db = new SqliteDatabase(databaseIn(place), { readonly: true })
    onTestFinished(() => void db.close())
    return db.prepare('SELECT * FROM sharing').all()
  }
  expect(sharesIn(other)).toEqual([share])
  // What was given since is lost as all else is.
  expect(restoreFrom(file, folder, true).since).toEqual({ joined: [], withdrawn: 0 })
  expect(sharesIn(folder)).toEqual([])
})

test('a plain copy of a folder can be restored too, and is marked as old as its newest event', async () => {
  const folder = await filled()
  const copied = fileIn(folder, 'copied')
  mkdirSync(copied)
  writeFileSync(join(copied, 'evergrid.db'), readFileSync(databaseIn(folder)))
  const told = restoreFrom(join(copied, 'evergrid.db'), fileIn(folder, 'elsewhere'))
  expect(told).toMatchObject({ version: null, madeAt: 1_006, liveJobs: 3 })
})

test('a backup never takes the place of what is backed up, nor of what lies beside it', async () => {
  const folder = await filled()
  const database = databaseIn(folder)
  const linked = fileIn(folder, 'link')
  symlinkSync(folder, linked)
  const ours = [
    database,
    join(linked, 'evergrid.db'),
    `${database}-lock`,
    join(folder, 'node-secret'),
  ]
  for (const file of ours)
    expect(() => backUpTo(folder, file, true)).toThrow(/belongs to the scheduler/)
  expect(readFileSync(join(folder, 'node-secret'), 'utf8')).toBe(secret)
  const inside = join(folder, 'copy.db')
  backUpTo(folder, inside)
  expect(backUpTo(folder, inside, true)).toMatchObject({ liveJobs: 3 })
})
