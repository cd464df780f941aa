/** Tasks that wait, and arrays: --hold, --begin, --after, --retry, --array, and why it waits. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ slots: 4 })
})
afterAll(() => grid.end())

const sleeper = ['--', 'sleep', '600']

describe('waiting', () => {
  it('--hold until eg release', async () => {
    const job = await grid.submit('--hold', '--', 'true')
    expect(await grid.show(job)).toMatchObject({ state: 'held', tasks: [{ state: 'held' }] })
    expect(await grid.ok('explain', String(job))).toMatch(
      /held by .*\nwhat would let it start: eg release/,
    )
    await grid.ok('release', String(job))
    expect((await grid.finished(job)).outcome).toBe('succeeded')
  })

  it('--begin until its time, or until it is edited as eg explain says', async () => {
    const [soon, late] = await Promise.all([
      grid.submit('--begin', '+2s', '--', 'true'),
      grid.submit('--begin', '+5h', '--', 'true'),
    ])
    const shown = await grid.finished(soon)
    const begin = Date.parse(shown.spec.beginAt ?? '')
    expect(Date.parse(shown.startedAt ?? '')).toBeGreaterThanOrEqual(begin)
    const way = /start: eg (.*)/.exec(await grid.ok('explain', String(late)))?.[1] ?? ''
    await grid.ok(...way.split(' '))
    expect((await grid.finished(late)).outcome).toBe('succeeded')
  })

  it('--after a job that ended ok, anyhow, or not', async () => {
    const [good, bad] = await Promise.all([
      grid.submit('--name', 'good', '--hold', '--', 'true'),
      grid.submit('--name', 'bad', '--hold', '--', 'false'),
    ])
    const after = (...on: string[]) =>
      grid.submit(...on.flatMap((one) => ['--after', one]), '--', 'true')
    const jobs = await Promise.all([
      after('good'),
      after(`${good}:any`, 'bad:any'),
      after('bad:fail'),
      after('bad:ok'),
      after('good:fail'),
    ])
    expect(await grid.ok('explain', String(jobs[0]))).toContain(
      `waits for job ${good} (good) to succeed`,
    )
    await grid.ok('release', String(good), String(bad))
    const ended = await Promise.all(jobs.map((job) => grid.finished(job)))
    const outcomes = ended.map(({ outcome }) => outcome)
    expect(outcomes).toEqual(['succeeded', 'succeeded', 'succeeded', 'failed', 'failed'])
    expect(ended[3]?.cause).toMatchObject({ kind: 'dependency-failed', job: bad })
  })

  it('says what is missing where there is no room, and starts when there is', async () => {
    const big = await grid.submit('--slots', '4', ...sleeper)
    await grid.running(big)
    const next = await grid.submit('--slots', '2', '--', 'true')
    await until(async () => /node1|slots/.test(await grid.ok('explain', String(next))), {
      what: 'a reason',
    })
    const said = await grid.json<{ summary: string; wayOut: string | null }>(
      'explain',
      String(next),
    )
    expect(said.summary).toContain('waits')
    await grid.ok('stop', String(big))
    expect((await grid.finished(next)).outcome).toBe('succeeded')
  })

  it('--retry runs a failed task again, each run in the record', async () => {
    const script = 'echo x >> tries; [ $(wc -l < tries) -ge 2 ]'
    const job = await grid.submit('--retry', '2', '--', 'sh', '-c', script)
    const { outcome, tasks } = await grid.finished(job)
    expect(outcome).toBe('succeeded')
    const runs = tasks[0] && 'runs' in tasks[0] ? tasks[0].runs : []
    expect(runs?.map(({ number, exitCode }) => [number, exitCode])).toEqual([
      [1, 1],
      [2, 0],
    ])
  })
})

describe('arrays', () => {
  it('run one task for each index of the range and step, each with its own files', async () => {
    const script = 'echo $TASK_ID $SGE_TASK_FIRST $SGE_TASK_LAST $SGE_TASK_STEPSIZE'
    const line = await grid.ok(
      'submit',
      '--name',
      'arr',
      '--array',
      '2-8:3',
      '--',
      'sh',
      '-c',
      script,
    )
    const job = Number(/^job (\d+) submitted \(3 tasks\)\n$/.exec(line)?.[1])
    const { counts } = await grid.finished(job)
    expect(counts.succeeded).toBe(3)
    for (const index of [2, 5, 8]) {
      expect(grid.text(`arr.o${job}.${index}`)).toBe(`${index} 2 8 3\n`)
      expect(existsSync(join(grid.work, `arr.e${job}.${index}`))).toBe(true)
    }
    expect(await grid.ok('logs', `${job}.5`)).toBe('5 2 8 3\n')
    const whole = await grid.eg('logs', String(job))
    expect([whole.status, whole.stderr]).toEqual([2, expect.stringContaining(`eg logs ${job}.`)])
  })

  it('keep to --max-running; one task can be stopped; the untouched are one entry', async () => {
    const job = await grid.submit(
      '--array',
      '1-1000',
      '--max-running',
      '2',
      '--name',
      'many',
      ...sleeper,
    )
    await until(async () => (await grid.show(job)).counts.running === 2, { what: 'two running' })
    const { tasks, counts } = await grid.show(job)
    expect(counts).toMatchObject({ running: 2, pending: 998, placed: 0 })
    expect(tasks).toMatchObject([
      { index: 1, state: 'running' },
      { index: 2, state: 'running' },
      { range: [3, 1000], step: 1, state: 'pending' },
    ])
    expect(await grid.ok('stop', `${job}.1`)).toBe(`job ${job}.1 many: stopping\n`)
    const first = await until(async () => {
      const [task] = (await grid.show(`${job}.1`)).tasks
      return task?.state === 'finished' ? task : null
    })
    expect(first).toMatchObject({ index: 1, outcome: 'cancelled' })
    await until(async () => (await grid.show(job)).counts.running === 2, { what: 'the next one' })
    const page = await grid.json<{ tasks: object[] }>('show', '--tasks', '500-600', String(job))
    expect(page.tasks).toMatchObject([{ state: 'pending' }])
    await grid.ok('stop', 'many')
    expect((await grid.eg('wait', String(job))).status).toBe(143)
    expect((await grid.show(job)).counts).toMatchObject({ cancelled: 1000, running: 0 })
  })
})
