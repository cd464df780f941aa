/**
 * 50,000 schedules that are due in one minute, on disk: each fires once for it, also where the brain is opened again within
 * the minute, and where it is killed while they fire. Lists are answered meanwhile.
 */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'

import SqliteDatabase from 'better-sqlite3'

import { checkFile } from '../../scheduler/store/check-folder.ts'
import { migrationsIn } from '../../scheduler/store/migrate.ts'
import { databaseIn } from '../../scheduler/store/open.ts'
import { nodeFlagsOf } from '../../src/cli/daemons/entry.ts'
import { program, temporaryFolder } from '../bench/daemons.ts'
import { addSchedules, openBrain } from '../bench/filled.ts'
import { ms, percentile, whole } from '../bench/row.ts'
import type { MinuteInput, MinuteOutput } from './due-minute.ts'

const schedules = 50_000
/** So many firings are told when the killed one is killed: more are under way. */
const killedAfter = 5_000
const minuteMs = 60_000
/** Time to open the brain in, before the minute begins. */
const openMs = 4_000

export async function dueAtOnce(): Promise<void> {
  const folder = temporaryFolder()
  try {
    const [undisturbed, killed] = [join(folder.path, 'undisturbed'), join(folder.path, 'killed')]
    const { brain, close } = await openBrain(undisturbed)
    // Not before all are added; and due on that day in this minute alone.
    const dueAt = Math.ceil(Date.now() / minuteMs + 10) * minuteMs
    const at = new Date(dueAt)
    await addSchedules(brain, schedules, `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`)
    await close()
    cpSync(undisturbed, killed, { recursive: true })
    await withoutFault(undisturbed, dueAt)
    await withKill(killed, dueAt)
  } finally {
    folder.remove()
  }
}

async function withoutFault(data: string, dueAt: number): Promise<void> {
  const first = await minute(data, dueAt)
  const before = ledgers(data, dueAt)
  assert.deepEqual(onceEach(first.fired), jobsOf(before), 'what was told is what the ledgers say')

  const again = await minute(data, dueAt, first.shiftMs)
  assert.deepEqual(again.fired, [], 'nothing fires again in the same minute')
  assert.deepEqual(ledgers(data, dueAt), before, 'the ledgers are the same')
  const [median, longest] = [0.5, 1].map((part) => ms(percentile(first.waitsMs, part)))
  console.log(
    `${whole(schedules)} schedules due at once: each fired once, none again after a new start; meanwhile ` +
      `${whole(first.waitsMs.length)} lists: p50 ${median}, longest ${longest}`,
  )
}

async function withKill(data: string, dueAt: number): Promise<void> {
  const first = await minute(data, dueAt, undefined, killedAfter)
  const rest = await minute(data, dueAt, first.shiftMs)
  assert.ok(rest.fired.length > 0, 'it was killed while they fired')
  const jobs = jobsOf(ledgers(data, dueAt))
  // Some were committed and not told any more; none of those that were told fires again, and each has the job that was told.
  const told = onceEach([...first.fired, ...rest.fired])
  for (const [schedule, job] of told) assert.equal(jobs.get(schedule), job, schedule)
  console.log(
    `after kill -9 with ${whole(schedules - rest.fired.length)} of them fired: the others fired, each of all once`,
  )
}

type Minute = { shiftMs: number; fired: MinuteOutput['fired']; waitsMs: number[] }

/** A brain in a process of its own comes through the due minute, or is killed when so many firings were told. */
async function minute(
  data: string,
  dueAt: number,
  shiftMs = dueAt - openMs - Date.now(),
  killAt = Infinity,
): Promise<Minute> {
  const input: MinuteInput = { data, shiftMs, dueAt }
  const brain = program<MinuteOutput>('../load/due-minute', input, nodeFlagsOf('scheduler'))
  const seen: Minute = { shiftMs, fired: [], waitsMs: [] }
  let over = false
  for await (const { fired, waitsMs } of brain.lines) {
    seen.fired.push(...fired)
    seen.waitsMs.push(...(waitsMs ?? []))
    over ||= waitsMs !== null || seen.fired.length >= killAt
    // More are being committed; those that are told while it dies are told.
    if (seen.fired.length >= killAt) void brain.process.stop('SIGKILL')
  }
  await brain.process.stop('SIGKILL')
  assert.ok(over, 'the brain of the due minute ended early')
  return seen
}

type Entry = { schedule: string; dueAt: number; outcome: string; jobId: number | null }

/** All there is in the ledgers, once it is proven to be one firing for each, with a job of its own. */
function ledgers(data: string, dueAt: number): Entry[] {
  const database = databaseIn(data)
  const { findings } = checkFile({ database, schema: migrationsIn().length })
  assert.deepEqual(findings, [], 'eg check finds nothing')
  // 50,000 questions to the store would take longer than all the rest. Only for reading: what a kill left stays as it is.
  const db = new SqliteDatabase(database, { readonly: true })
  try {
    const entries = db.prepare<[], Entry>('SELECT * FROM firing ORDER BY schedule, dueAt').all()
    const names = Array.from({ length: schedules }, (_, at) => `s${at}`).toSorted()
    const found = entries.map(({ schedule }) => schedule)
    assert.deepEqual(found, names, 'each has one entry')
    const wrong = entries.filter((entry) => entry.dueAt !== dueAt || entry.outcome !== 'ran')
    assert.deepEqual(wrong, [], 'each ran for that due time')
    const sql = 'SELECT schedule, dueAt, id FROM job ORDER BY schedule, id'
    const jobs = db.prepare<[], { schedule: string; dueAt: number; id: number }>(sql).all()
    const named = entries.map(({ schedule, jobId }) => ({ schedule, dueAt, id: jobId }))
    assert.deepEqual(jobs, named, 'the jobs are those of the ledgers, no more')
    assert.equal(new Set(jobs.map(({ id }) => id)).size, schedules, 'each has a number of its own')
    return entries
  } finally {
    db.close()
  }
}

const jobsOf = (entries: readonly Entry[]) =>
  new Map(entries.map(({ schedule, jobId }) => [schedule, jobId]))

function onceEach(fired: MinuteOutput['fired']): Map<string, number | null> {
  const told = new Map<string, number | null>(fired)
  assert.equal(told.size, fired.length, 'none was told twice')
  return told
}
