/** The checker of counters finds what is wrong with them; and the worker counts as the checker expects. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { lookAtCounter, repeatsOf, type Counter, type TaskRuns } from './counters.ts'
import { begunOf, countedOf, type Counted } from './evidence.ts'

const guarded: Counter = { tasks: 3, guarded: true, succeeded: [], restores: 0 }
const plain: Counter = { tasks: 3, guarded: false, succeeded: [1, 2, 3], restores: 0 }
const additions = (...tasks: number[]): Counted[] =>
  tasks.map((task, at) => ({ value: at + 1, task }))

describe('a counter must reach exactly N', () => {
  it.each([
    ['each task once', guarded, additions(2, 1, 3), []],
    ['and so without a guard', plain, additions(2, 1, 3), []],
    [
      'one is missing',
      guarded,
      additions(2, 3),
      ['task 1 succeeded and was not counted', 'the counter must reach exactly 3, and is 2'],
    ],
    [
      'one too many',
      guarded,
      additions(2, 1, 3, 2),
      ['task 2 was counted 2 times', 'the counter must reach exactly 3, and is 4'],
    ],
    [
      'one too many, unguarded',
      plain,
      additions(2, 1, 3, 2),
      ['task 2 was counted 2 times', 'the counter must reach exactly 3, and is 4'],
    ],
    [
      'nobody counted',
      guarded,
      [],
      [
        ...[1, 2, 3].map((task) => `task ${task} succeeded and was not counted`),
        'the counter must reach exactly 3, and is 0',
      ],
    ],
    [
      'two added to the same value',
      guarded,
      [...additions(2, 1), { value: 2, task: 3 }],
      ['addition 3 made the counter 2', 'the counter must reach exactly 3, and is 2'],
    ],
    [
      'a stranger added',
      guarded,
      additions(1, 2, 3, 9),
      ['1 additions by no task of it', 'the counter must reach exactly 3, and is 4'],
    ],
    ['a task failed before it was counted', { ...plain, succeeded: [1, 3] }, additions(3, 1), []],
    ['a task failed after it was counted', { ...plain, succeeded: [1, 3] }, additions(3, 2, 1), []],
    [
      'the other one was not counted',
      { ...plain, succeeded: [1, 3] },
      additions(2, 1),
      ['task 3 succeeded and was not counted'],
    ],
    ['an older database ran it again', { ...plain, restores: 1 }, additions(1, 2, 3, 1), []],
    [
      'more often than databases were put in place',
      { ...plain, restores: 1 },
      additions(1, 2, 3, 1, 1),
      ['task 1 was counted 3 times'],
    ],
    [
      'which does not help a guarded one',
      { ...guarded, restores: 1 },
      additions(1, 2, 3, 1),
      ['task 1 was counted 2 times', 'the counter must reach exactly 3, and is 4'],
    ],
  ])('%s', (_, counter, lines, faults) => {
    expect(lookAtCounter(counter, lines).faults).toEqual(faults)
  })
})

it('tells of what is lost and of what is double', () => {
  const found = { lost: 1, twice: 1 }
  expect(lookAtCounter(guarded, additions(2, 1, 2))).toMatchObject(found)
  expect(lookAtCounter(plain, additions(2, 1, 2))).toMatchObject(found)
})

describe('a task begins again', () => {
  const begun = (...runs: string[]) => runs.map((run, at) => ({ run, at: at * 1_000 }))
  const told = (number: number, cause: TaskRuns[number]['cause']) => ({ epoch: 1, number, cause })
  const killed = { kind: 'signal', signal: 'SIGKILL' } as const
  const done = { kind: 'exit', code: 0 } as const
  const faults = (runs: string[], known: TaskRuns, restoredAt: number | null = null): string[] =>
    repeatsOf(begun(...runs), () => known, restoredAt).faults

  it('after a run that ended by a cause which calls for another', () => {
    const known = [told(1, killed), told(2, done)]
    const repeats = repeatsOf(begun('7.3.1.1', '7.3.1.2'), () => known, null)
    expect(repeats).toEqual({ faults: [], causes: ['signal'] })
  })
  it('and not after one that succeeded, or has not ended', () => {
    expect(faults(['7.3.1.1', '7.3.1.2'], [told(1, done), told(2, done)])).toEqual([
      'task 3 began again after run 7.3.1.1, which succeeded',
    ])
    expect(faults(['7.3.1.1', '7.3.1.2'], [told(1, null), told(2, done)])).toEqual([
      'task 3 began again after run 7.3.1.1, which has not ended',
    ])
    const stopped = { kind: 'cancelled', by: 'anna', why: '' } as const
    expect(faults(['7.3.1.1', '7.3.1.2'], [told(1, stopped), told(2, done)])).toEqual([
      'task 3 began again after run 7.3.1.1, which was stopped',
    ])
    const replaced = { ...stopped, by: 'scheduler' }
    expect(faults(['7.3.1.1', '7.3.1.2'], [told(1, replaced), told(2, done)])).toEqual([])
  })
  it('and never as the same run', () => {
    expect(faults(['7.3.1.1', '7.3.1.1'], [told(1, killed)])).toContain(
      'run 7.3.1.1 was executed twice',
    )
  })
  it('and not behind the back of the API, unless an older database was put in place since', () => {
    const known = [told(2, done)]
    expect(faults(['7.3.1.1', '7.3.1.2'], known)).toEqual([
      'run 7.3.1.1 began, and nothing tells of it',
    ])
    expect(faults(['7.3.1.1', '7.3.1.2'], known, 500)).toEqual([])
    expect(faults(['7.3.1.2', '7.3.1.3'], known, 500)).toContain(
      'run 7.3.1.3 began, and nothing tells of it',
    )
  })
  it('which is nothing to one that begins once', () => {
    expect(faults(['7.3.1.1', '7.4.1.1'], [])).toEqual([])
  })
})

describe('the worker', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'evergrid-tally-'))
    const source = fileURLToPath(new URL('native/worker.c', import.meta.url))
    execFileSync(process.env['CC'] ?? 'cc', ['-std=gnu11', '-o', join(folder, 'worker'), source])
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const tally = async (name: string, task: number, flag = '', more = {}): Promise<number> => {
    const env = {
      ...more,
      TASK_ID: String(task),
      EVERGRID_RUN: `7.${task}.1.1`,
    }
    const child = spawn(join(folder, 'worker'), ['tally', folder, name, flag], { env })
    return Number((await once(child, 'exit'))[0])
  }

  it('adds one for each task, at the same time, and again only without its guard', async () => {
    const tasks = [1, 2, 3]
    await Promise.all(tasks.map((task) => tally('all', task)))
    expect(lookAtCounter(guarded, countedOf(folder, 'all')).faults).toEqual([])
    await tally('all', 2)
    expect(lookAtCounter(guarded, countedOf(folder, 'all')).faults).toEqual([])
    expect(begunOf(folder, 'all')).toHaveLength(4)
    await tally('all', 2, 'plain')
    expect(countedOf(folder, 'all').at(-1)).toEqual({ value: 4, task: 2 })
  })
  it('counts once also when its first run fails, before it has counted or after', async () => {
    const flaky = async (task: number, again: string) =>
      tally('flaky', task, 'flaky', { RESTARTED: again })
    expect(await Promise.all([flaky(1, '0'), flaky(2, '0')])).toEqual([7, 7])
    expect(countedOf(folder, 'flaky')).toEqual([{ value: 1, task: 2 }])
    expect(await Promise.all([flaky(1, '1'), flaky(2, '1')])).toEqual([0, 0])
    expect(lookAtCounter({ ...guarded, tasks: 2 }, countedOf(folder, 'flaky')).faults).toEqual([])
  })
  it('tells of a second copy of its task, which counts nothing', async () => {
    const statuses = await Promise.all([tally('twin', 1), tally('twin', 1)])
    expect(statuses.toSorted()).toEqual([0, 1])
    expect(countedOf(folder, 'twin')).toEqual([{ value: 1, task: 1 }])
  })
})
