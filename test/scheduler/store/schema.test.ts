/** The schema: its words are those of proto, it moves forward only, and never without a copy. */
import { existsSync, renameSync, readFileSync, statSync, writeFileSync } from 'node:fs'

import SqliteDatabase from 'better-sqlite3'
import { expect, test } from 'vitest'

import { jobKinds, outcomes, taskStates } from '../../../proto/job.ts'
import { allRights, roles } from '../../../proto/rights.ts'
import { firingOutcomes } from '../../../proto/schedule.ts'
import { openEngine } from '../../../scheduler/store/engine.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { migrationsIn } from '../../../scheduler/store/migrate.ts'
import { tables } from '../../../scheduler/store/tables.ts'
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { jobRow, runRow, submitChanges, taskRow } from '../../support/store-rows.ts'
import { databasePath } from './place.ts'

const options = { reserveBytes: 0 }
const migrations = migrationsIn()

function freshDatabase(path = databasePath()) {
  openEngine(path, options).close()
  return new SqliteDatabase(path)
}

test('the words in CHECKs are those of proto', () => {
  const db = freshDatabase()
  const found: Record<string, string[]> = {}
  for (const { name, sql } of db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'table'",
    )
    .all())
    for (const [, column, words] of sql.matchAll(
      /^ +\w+ TEXT[^\n]*CHECK \((\w+) IN \(([^)]*)\)\)/gm,
    ))
      found[`${name}.${column}`] = words!.split(', ').map((word) => word.slice(1, -1))
  db.close()
  expect(found).toEqual({
    'job.kind': jobKinds,
    'job.state': taskStates,
    'job.outcome': outcomes,
    'task.state': taskStates,
    'task.outcome': outcomes,
    'firing.outcome': firingOutcomes,
    'role.role': roles,
    'audit.rights': allRights,
  })
})

test('every table is STRICT and its columns are the fields of its rows', () => {
  const db = freshDatabase()
  const list = db.pragma('table_list') as { name: string; schema: string; strict: number }[]
  const ours = list.filter(({ name, schema }) => schema === 'main' && !name.startsWith('sqlite_'))
  expect(ours.every(({ strict }) => strict === 1)).toBe(true)
  expect(ours.map(({ name }) => name).sort()).toEqual(
    [...Object.keys(tables), 'spec', 'scheduleSpec'].sort(),
  )
  for (const [name, { columns }] of Object.entries(tables)) {
    const info = db.pragma(`table_info("${name}")`) as { name: string }[]
    expect(info.map((column) => column.name)).toEqual(columns)
  }
  db.close()
})

test.each([
  ['a finished job without outcome', { put: 'job', row: jobRow(1, { state: 'finished' }) }],
  ['an outcome of a live job', { put: 'job', row: jobRow(1, { outcome: 'failed' }) }],
  ['a running task without node', { put: 'task', row: taskRow(1, 1, { state: 'running' }) }],
  ['a waiting task with a node', { put: 'task', row: taskRow(1, 1, { node: 'node1' }) }],
  ['an empty range', { put: 'range', row: { job: 1, from: 3, to: 2 } }],
  ['a run of no job', { put: 'run', row: runRow(9) }],
] as const)('the database refuses %s', async (_, change) => {
  const store = inThreadStore(':memory:')
  await expect(store.commit([...submitChanges(1), change])).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/constraint failed/i),
  })
  await store.close()
})

test('a migration keeps a copy of what was before, and what it fails to do is undone', async () => {
  const path = databasePath()
  const first = inThreadStore(path, options)
  await first.commit(submitChanges(1))
  await first.close()
  const version = migrations.length + 1
  const step = (sql: string) => ({
    ...options,
    migrations: [...migrations, { version, name: 'next', sql }],
  })
  expect(() => openEngine(path, step('CREATE TABLE more (x); SELECT nonsense'))).toThrow(/nonsense/)
  expect(() => openEngine(path, step('DELETE FROM job'))).toThrow(/rows without owner/)
  openEngine(path, step('CREATE TABLE more (x INTEGER) STRICT')).close()

  const copy = `${path}.schema-${migrations.length}`
  expect(statSync(copy).mode & 0o777).toBe(0o600)
  expect(existsSync(`${copy}.partial`)).toBe(false)
  const before = inThreadStore(copy, options)
  expect((await before.load()).jobs).toHaveLength(1)
  await before.close()

  await expect(openStore(path, options)).rejects.toMatchObject({
    kind: 'newer-schema',
    message: expect.stringContaining(copy),
  })
  await expect(openStore(path, { readOnly: true })).rejects.toMatchObject({ kind: 'newer-schema' })
  // Beside another file there is none.
  renameSync(copy, `${path}.away`)
  await expect(openStore(path, options)).rejects.toMatchObject({
    message: expect.stringMatching(/start the newer Evergrid that wrote it$/),
  })
})

test('a new database is private and needs no copy', () => {
  const path = databasePath()
  freshDatabase(path).close()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(existsSync(`${path}.schema-0`)).toBe(false)
})

test('what is no database, or not ours, is refused and left alone', async () => {
  const text = databasePath()
  writeFileSync(
    text,
    'a text, long enough to be read as the header of a database file\n'.repeat(99),
  )
  const before = readFileSync(text)
  await expect(openStore(text)).rejects.toMatchObject({ kind: 'damaged' })
  expect(readFileSync(text)).toEqual(before)

  const foreign = databasePath()
  const db = new SqliteDatabase(foreign)
  db.exec('CREATE TABLE theirs (x)')
  db.close()
  await expect(openStore(foreign)).rejects.toThrow(/another program/)
})

test('a damaged page is told as damage', async () => {
  const path = databasePath()
  const store = inThreadStore(path, options)
  for (let id = 1; id < 300; id++) await store.commit(submitChanges(id))
  await store.close()
  const bytes = readFileSync(path)
  bytes.fill(0xa5, 4096 * 2)
  writeFileSync(path, bytes)
  const damaged = async () => {
    const again = await openStore(path, options)
    try {
      await again.load()
    } finally {
      await again.close()
    }
  }
  await expect(damaged()).rejects.toMatchObject({ kind: 'damaged' })
})
