/** From schema 11: schedules, jobs and what waits are the same after the step, in fewer and shorter rows. */
import SqliteDatabase from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'

import { checkFile } from '../../../scheduler/store/check-folder.ts'
import { inThreadStore } from '../../../scheduler/store/in-thread-store.ts'
import { migrate, migrationsIn } from '../../../scheduler/store/migrate.ts'
import { databasePath } from './place.ts'

test('a database of before keeps its schedules, their last entries and all that waits', async () => {
  const path = databasePath()
  const before = new SqliteDatabase(path)
  migrate(before, migrationsIn().slice(0, 11))
  const array = '{"slots":1,"array":{"from":1,"to":9,"step":1}}'
  const lastEntry = `{"dueAt":5,"until":null,"count":1,"outcome":"skipped","manual":false,"why":"w","at":6,"jobId":null}`
  before.exec(`
    INSERT INTO job (id, owner, name, kind, queue, factsJson, priority, submittedAt, state, countsJson, restarts)
      VALUES (1, 'anna', 'plain', 'task', 'task', '{"slots":1}', 0, 1, 'pending', '{"pending":1}', 0),
        (2, 'anna', 'array', 'task', 'task', '${array}', 0, 1, 'pending', '{"pending":9}', 0);
    INSERT INTO spec VALUES (1, '"one"'), (2, '"two"');
    INSERT INTO range VALUES (1, 1, 1), (2, 1, 9);
    INSERT INTO schedule VALUES ('anna', 'nightly', 7, '{"name":"nightly"}', '{"lastEntry":${lastEntry}}');
    INSERT INTO firing VALUES ('anna', 'nightly', 7, NULL, 1, 'ran', 1, 0, 'due', 8);
  `)
  before.close()

  const store = inThreadStore(path, { reserveBytes: 0 })
  onTestFinished(() => store.close())
  const { jobs, ranges, schedules } = await store.load()
  expect(jobs.map(({ id }) => id)).toEqual([1, 2])
  expect(ranges).toEqual([{ job: 2, from: 1, to: 9 }])
  const dataJson = `{"lastEntry":${lastEntry}}`
  expect(schedules).toEqual([
    {
      owner: 'anna',
      name: 'nightly',
      cursorAt: 7,
      specJson: '{"name":"nightly"}',
      dataJson,
      templateOf: null,
    },
  ])
  const specs = await store.query('specs', { jobs: [1, 2] })
  expect(specs.map(({ specJson }) => specJson)).toEqual(['"one"', '"two"'])
  expect(checkFile({ database: path, schema: migrationsIn().length }).findings).toEqual([])
})
