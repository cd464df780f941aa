/** A migration that is killed, or loses power, in the middle: the old schema is still there, whole, and a copy of it too. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import SqliteDatabase from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { checkFile } from '../../../scheduler/store/check-folder.ts'
import { openEngine } from '../../../scheduler/store/engine.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { migrationsIn } from '../../../scheduler/store/migrate.ts'
import { submitChanges } from '../../support/store-rows.ts'
import { until } from '../../support/wait.ts'
import { databasePath } from './place.ts'
import { slowStep } from './slow-step.ts'

const schema = migrationsIn().length
const noReserve = { reserveBytes: 0 }
const manyRows = 300_000
const jobs = 50
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

async function filled(): Promise<string> {
  const path = databasePath()
  const store = inThreadStore(path, noReserve)
  for (let id = 1; id <= jobs; id++) await store.commit(submitChanges(id))
  await store.close()
  return path
}

/** Begins the step in a process and kills it when `when` says so. */
async function killed(path: string, when: () => boolean): Promise<void> {
  const program = fileURLToPath(new URL('migrating-child.ts', import.meta.url))
  const argv = ['--import', 'tsx', program, path, String(manyRows)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let isOver = false
  child.stdout.on('data', () => (isOver = true))
  await until(() => when() || isOver, { everyMs: 1, what: 'the middle of the migration' })
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(isOver).toBe(false)
}

async function expectOld(path: string): Promise<void> {
  const copy = new SqliteDatabase(path, { readonly: true })
  expect(copy.pragma('user_version', { simple: true })).toBe(schema)
  expect(copy.pragma('integrity_check', { simple: true })).toBe('ok')
  copy.close()
  const store = inThreadStore(path, noReserve)
  expect((await store.load()).jobs).toHaveLength(jobs)
  expect(await store.query('eventsAfter', { id: 0, limit: 1_000, job: null })).toHaveLength(
    2 * jobs,
  )
  await store.close()
}

function expectNew(path: string): void {
  const migrations = [...migrationsIn(), slowStep(10)]
  openEngine(path, { ...noReserve, migrations }).close()
  const db = new SqliteDatabase(path, { readonly: true })
  expect(db.pragma('user_version', { simple: true })).toBe(schema + 1)
  expect(db.prepare('SELECT count(*) FROM job WHERE novelty IS NULL').pluck().get()).toBe(jobs)
  expect(db.prepare('SELECT count(*) FROM bulk').pluck().get()).toBe(10)
  db.close()
}

test('killed while the copy is made: no half copy has its name, and the next start begins again', async () => {
  const path = await filled()
  const isDraft = () => readdirSync(dirname(path)).some((name) => name.includes('schema-'))
  await killed(path, isDraft)
  await expectOld(path)
  expectNew(path)
  expect(readdirSync(dirname(path)).filter((name) => name.includes('partial'))).toEqual([])
  await expectOld(`${path}.schema-${schema}`)
})

test('killed in the middle of the step: nothing of it stays, whatever part of the log reached the disk', async () => {
  const path = await filled()
  const log = `${path}-wal`
  await killed(path, () => sizeOf(log) > 2 << 20)
  expect(existsSync(`${path}.schema-${schema}`)).toBe(true)
  const size = sizeOf(log)
  // Without power, of what was written and not yet synced any part may be missing.
  for (const kept of [size, size - 1000, Math.floor(size / 2), 4096, 0]) {
    const other = databasePath()
    copyFileSync(path, other)
    copyFileSync(log, `${other}-wal`)
    truncateSync(`${other}-wal`, kept)
    await expectOld(other)
  }
  expect(checkFile({ database: `${path}.schema-${schema}`, schema }).schema).toBe(schema)
  expectNew(path)
})
