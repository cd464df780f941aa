/** `eg check` finds what is broken on purpose, and mends only what it can mend without loss. */
import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

import SqliteDatabase from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { rules } from '../../../scheduler/store/agreement.ts'
import { checkFile, mendFile } from '../../../scheduler/store/check-folder.ts'
import { openEngine } from '../../../scheduler/store/engine.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { migrate, migrationsIn } from '../../../scheduler/store/migrate.ts'
import { openStore } from '../../../scheduler/store/worker-store.ts'
import { BrainGrid, operator, anna } from '../../support/brain.ts'
import { databasePath } from './place.ts'

const schema = migrationsIn().length
const now = Date.UTC(2026, 10, 27, 8)

/** What a brain leaves after a day with a bit of everything. */
async function lived(): Promise<string> {
  const path = databasePath()
  const grid = await BrainGrid.open({ engine: openEngine(path, { reserveBytes: 0 }) })
  const node = await grid.node('n1')
  const bot = await grid.submit({ kind: 'continuous', name: 'bot' })
  const array = await grid.submit({ array: { from: 1, to: 99, step: 2 }, maxRunning: 2 })
  const once = await grid.submit({ name: 'once' })
  await grid.submit({ name: 'after', after: [{ job: String(array), on: 'any' }] })
  await grid.submit({ name: 'held', hold: true, array: { from: 1, to: 10, step: 1 } })
  await grid.ok('addSchedule', anna, {
    body: { name: 'often', expression: '* * * * *', job: { command: ['x'], cwd: '/' } },
  })
  await grid.turn(node)
  for (const { order } of node.held.values()) node.start(order.task)
  await grid.turn(node)
  node.exit(`${once}.1`)
  await grid.turn(node)
  await grid.stop([bot])
  await grid.pass(180_000, node)
  await grid.ok('cordonNode', operator, { params: { node: 'n1' }, body: {} })
  await grid.pass(180_000, node)
  await grid.brain.stop()
  grid.engine.close()
  return path
}

const looked = (database: string) => checkFile({ database, schema }).findings

/** Breaks a database in a way that no brain would. */
function broken(path: string, sql: string): void {
  const db = new SqliteDatabase(path)
  db.unsafeMode()
  db.pragma('foreign_keys = OFF')
  db.exec(sql)
  db.close()
}

test('of an older schema the file is looked at, and its tables are not compared', () => {
  const path = databasePath()
  const db = new SqliteDatabase(path)
  migrate(db, migrationsIn().slice(0, 1))
  db.close()
  expect(checkFile({ database: path, schema })).toMatchObject({
    schema: 1,
    compared: false,
    findings: [],
  })
  expect(mendFile({ database: path, schema, now })).toMatchObject({ findings: [], keptAside: null })
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xa5, bytes.length - 4096))
  expect(looked(path)).toMatchObject([{ what: 'damaged' }])
})

test('what a brain has written agrees, in use and not', async () => {
  const path = await lived()
  expect(looked(path)).toEqual([])
  const store = await openStore(path, { reserveBytes: 0 })
  onTestFinished(() => store.close())
  expect(looked(path)).toEqual([])
  expect(() => mendFile({ database: path, schema, now })).toThrow(/another scheduler is running/)
})

const faults: readonly [what: string, sql: string][] = [
  ['unreadable', `UPDATE job SET causeJson = '{' WHERE id = 3`],
  ['counts', `UPDATE job SET countsJson = json_set(countsJson, '$.succeeded', 7) WHERE id = 2`],
  ['job-state', `UPDATE job SET state = 'backoff' WHERE id = 2`],
  [
    'finished-but-live',
    `UPDATE task SET state = 'pending', outcome = NULL, node = NULL WHERE job = 3`,
  ],
  ['live-but-over', `DELETE FROM range WHERE job = (SELECT id FROM job WHERE name = 'held')`],
  ['task-state', `UPDATE task SET state = 'suspended' WHERE state = 'running'`],
  ['ranges', `UPDATE range SET "from" = 1 WHERE job = 2`],
  ['unknown-node', `DELETE FROM node`],
  ['no-spec', `DELETE FROM spec WHERE id = 2`],
  [
    'waits-for-nothing',
    `UPDATE job SET factsJson = json_set(factsJson, '$.after[0].job', 3) WHERE name = 'after'`,
  ],
  ['run-ahead', `UPDATE run SET epoch = epoch + 5 WHERE job = 2`],
  ['ledger', `UPDATE schedule SET cursorAt = cursorAt - 3600000`],
  ['without-job', `DELETE FROM job WHERE id = 3`],
  ['unreadable', `UPDATE job SET countsJson = '{' WHERE id = 2`],
  ['unreadable', `UPDATE job SET factsJson = '{' WHERE id = 2`],
  ['unreadable', `UPDATE schedule SET dataJson = '{'`],
  ['unreadable', `INSERT INTO resource (name, dataJson) VALUES ('lock', '{')`],
  ['unreadable', `INSERT INTO quota (subject, dataJson) VALUES ('owner:anna', '{')`],
  ['unreadable', `INSERT INTO queue (name, dataJson) VALUES ('lab', '{')`],
  ['unreadable', `INSERT INTO meta (key, value) VALUES ('lostNumbers', '[')`],
  ['unreadable', `INSERT INTO meta (key, value) VALUES ('shareTree', '{')`],
  [
    'unreadable',
    `INSERT INTO reply (owner, key, route, hash, status, replyJson, at) VALUES ('anna', 'k', 'r', 'h', 200, '{', 1)`,
  ],
  [
    'unreadable',
    `INSERT INTO apiToken (id, hash, owner, name, scopesJson, createdAt, expiresAt)
      VALUES (1, printf('%064d', 0), 'anna', 'ci', '[', 1, 2)`,
  ],
  ['task-state', `UPDATE task SET node = 'n2' WHERE state = 'running'`],
  ['task-state', `UPDATE task SET epoch = epoch + 1 WHERE state = 'running'`],
  ['task-state', `UPDATE task SET dataJson = '{}' WHERE state = 'running'`],
  ['meta', `INSERT OR REPLACE INTO meta (key, value) VALUES ('nextJob', 'x')`],
  ['meta', `UPDATE meta SET value = 'x' WHERE key = 'incarnation'`],
  ['meta', `DELETE FROM meta WHERE key = 'grid'`],
  ['no-table', `DROP TABLE reply`],
  ['no-table', `DROP TABLE firing`],
]

test('each rule finds its fault', async () => {
  const path = await lived()
  const sound = readFileSync(path)
  for (const [what, sql] of faults) {
    const one = databasePath()
    writeFileSync(one, sound)
    broken(one, sql)
    expect(looked(one).map((found) => found.what)).toContain(what)
  }
  expect(
    rules.map(({ what }) => what).filter((what) => !faults.some(([name]) => name === what)),
  ).toEqual([])
})

test('what is mended is mended, a copy is kept, and the rest is told', async () => {
  const path = await lived()
  broken(
    path,
    `${faults[1]![1]}; ${faults[2]![1]}; DELETE FROM job WHERE id = 3; DELETE FROM spec WHERE id = 2`,
  )
  expect(
    looked(path)
      .map(({ what }) => what)
      .sort(),
  ).toEqual(['counts', 'job-state', 'no-spec', 'without-job'])
  const done = mendFile({ database: path, schema, now })
  expect(done.mended.sort()).toEqual(['counts', 'job-state', 'without-job'])
  expect(done.findings.map(({ what, mend }) => [what, mend])).toEqual([['no-spec', null]])
  expect(looked(path)).toEqual(done.findings)
  expect(looked(done.keptAside ?? '')).toHaveLength(4)
  const store = inThreadStore(path, { reserveBytes: 0 })
  const job = (await store.load()).jobs.find(({ id }) => id === 2)
  expect(JSON.parse(job?.countsJson ?? '')).toMatchObject({ succeeded: 0, running: 2, pending: 48 })
  await store.close()
  expect(mendFile({ database: path, schema, now })).toMatchObject({ mended: [], keptAside: null })
})

test('an index that lies is built anew; a damaged page is told, with what to do', async () => {
  const path = await lived()
  const db = new SqliteDatabase(path)
  db.unsafeMode()
  db.pragma('writable_schema = ON')
  db.exec(`UPDATE sqlite_schema SET sql = replace(sql, '(at)', '(id)') WHERE name = 'eventAt'`)
  db.close()
  const [found] = looked(path)
  expect(found).toMatchObject({ what: 'index', mend: 'indexes are built anew' })
  expect(mendFile({ database: path, schema, now })).toMatchObject({
    mended: ['index'],
    findings: [],
  })
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xa5, 4096 * 4))
  expect(looked(path)).toMatchObject([{ what: 'damaged' }])
})

test('an empty file, and a folder without a database, are told as such and stay as they are', () => {
  const path = databasePath()
  expect(() => mendFile({ database: path, schema, now })).toThrow(/there is no database/)
  expect(readdirSync(dirname(path))).toEqual([])
  writeFileSync(path, '')
  expect(looked(path)).toMatchObject([
    { what: 'damaged', examples: [expect.stringMatching(/is empty/)] },
  ])
})

test('what SQLite cannot make sense of is a finding, not a refusal to look', async () => {
  const path = await lived()
  const sound = readFileSync(path)
  const faults: Record<string, () => void> = {
    'no database': () => writeFileSync(path, 'a letter, perhaps\n'.repeat(500)),
    'its beginning is gone': () => writeFileSync(path, Buffer.from(sound).fill(0, 0, 100)),
    'cut off': () => writeFileSync(path, sound.subarray(0, sound.length / 2)),
    'cut off in its first page': () => writeFileSync(path, sound.subarray(0, 600)),
    'a format of the future': () => writeFileSync(path, Buffer.from(sound).fill(9, 47, 48)),
    'of another program': () => broken(path, 'PRAGMA application_id = 7'),
    'its own tables are garbled': () =>
      broken(
        path,
        `PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = substr(sql, 1, 20) WHERE name = 'job'`,
      ),
    'a column has another name': () => broken(path, 'ALTER TABLE job RENAME COLUMN state TO other'),
  }
  for (const [fault, make] of Object.entries(faults)) {
    writeFileSync(path, sound)
    make()
    expect(looked(path), fault).toMatchObject([{ what: 'damaged', mend: null }])
    const mended = mendFile({ database: path, schema, now })
    expect(mended, fault).toMatchObject({ mended: [], keptAside: null })
  }
  writeFileSync(path, sound)
  expect(looked(path)).toEqual([])
})

test('what cannot be looked at is no finding: not there, no plain file, of a newer Evergrid', async () => {
  const path = await lived()
  expect(() => looked(`${path}.none`)).toThrow(/there is no database/)
  expect(() => looked(dirname(path))).toThrow(/not a plain file/)
  const db = new SqliteDatabase(path)
  db.pragma(`user_version = ${schema + 1}`)
  db.close()
  expect(() => looked(path)).toThrow(/start the newer Evergrid/)
})

test.runIf(process.getuid?.() === 0)('what belongs to another account is not mended', async () => {
  const path = await lived()
  broken(path, `UPDATE job SET countsJson = json_set(countsJson, '$.succeeded', 7) WHERE id = 2`)
  const before = readdirSync(dirname(path))
  for (const [whose, file] of [
    ['folder', dirname(path)],
    ['database', path],
  ] as const) {
    chownSync(file, 65_534, 65_534)
    expect(() => mendFile({ database: path, schema, now }), whose).toThrow(
      /belongs to uid 65534, but this is uid 0: mend it as its owner/,
    )
    chownSync(file, 0, 0)
  }
  expect(readdirSync(dirname(path))).toEqual(before)
  expect(mendFile({ database: path, schema, now }).mended).toEqual(['counts'])
})
