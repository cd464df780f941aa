/** Cron tasks: added, due, run by hand through the same gate, paused, changed, and a ledger that tells it all. */
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type Firing, ScheduleDetail, ScheduleSummary } from '../../proto/schedule.ts'
import { TestGrid } from '../support/grid.ts'
import { until } from '../support/wait.ts'

let grid: TestGrid
beforeAll(async () => {
  grid = await TestGrid.start({ slots: 8 })
  const minutely = ['schedule', 'add']
  const says = ['--out', 'tick.log', '--', 'sh', '-c', 'echo "due $EVERGRID_DUE_AT"']
  await grid.ok(...minutely, 'tick', '* * * * *', ...says)
  await grid.ok(...minutely, 'later', '* * * * *', '--jitter', '24h', '--', 'true')
  await grid.ok(...minutely, 'resting', '* * * * *', '--', 'true')
  await grid.ok('schedule', 'pause', 'resting', '--reason', 'too hot')
})
afterAll(() => grid.end())

const show = (name: string) => grid.json<ScheduleDetail>('schedule', 'show', name)
const add = (name: string, expression: string, ...args: string[]) =>
  grid.eg('schedule', 'add', name, expression, ...args, '--', 'sleep', '600')
const next = (name: string) => grid.json<string[]>('schedule', 'next', name, '-n', '3')

describe('expressions', () => {
  it('that say nothing sensible are refused with what to write', async () => {
    const all = await Promise.all([
      add('bad', '61 * * * *'),
      add('bad', '* * *'),
      add('bad', '0 0 * * *', '--tz', 'Nowhere/X'),
      add('bad', '@sometimes'),
      add('bad', '0 0 * * *', '--overlap', 'maybe'),
      grid.eg('schedule', 'add', 'bad', '0 0 * * *'),
    ])
    expect(all.map(({ status }) => status)).toEqual([1, 1, 1, 1, 2, 2])
    expect(all[0]?.stderr).toContain('write 0 to 59')
    expect(all[1]?.stderr).toContain('"0 3 * * *"')
    expect(all[2]?.stderr).toContain('Europe/Berlin')
    expect((await grid.eg('schedule', 'show', 'bad')).status).toBe(5)
  })

  it('@hourly and H are spread by owner and name, and stay where they are', async () => {
    await Promise.all([
      ...['h1', 'h2', 'h3', 'h4'].map((name) => add(name, '@hourly')),
      add('hf', 'H H(2-4) * * *'),
    ])
    const dues = await Promise.all(['h1', 'h2', 'h3', 'h4'].map(next))
    const minutes = dues.map((times) => times.map((time) => new Date(time).getUTCMinutes()))
    for (const of of minutes) expect(new Set(of).size).toBe(1)
    expect(new Set(minutes.map(([first]) => first)).size).toBeGreaterThan(1)
    const [due = ''] = await next('hf')
    expect(new Date(due).getUTCHours()).toBeGreaterThanOrEqual(2)
    expect(new Date(due).getUTCHours()).toBeLessThanOrEqual(4)
  })

  it('mean wall-clock time of their zone', async () => {
    expect((await add('zoned', '30 4 * * *', '--tz', 'Asia/Kolkata')).status).toBe(0)
    for (const time of await next('zoned')) expect(time).toMatch(/T23:00:00\.000Z$/)
    expect(await grid.ok('schedules')).toMatch(/zoned +30 4 \* \* \* +Asia\/Kolkata/)
  })
})

describe('the overlap gate', () => {
  it('holds for runs by hand: forbid, queue, replace, allow', async () => {
    expect((await add('gate', '0 0 1 1 *')).stdout).toContain('schedule gate added, first due')
    const run = () => grid.eg('schedule', 'run', 'gate')
    const first = Number(/^job (\d+) submitted/.exec((await run()).stdout)?.[1])
    expect(await run()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`overlap is forbidden, and job ${first} is live`) as string,
    })
    await grid.ok('schedule', 'edit', 'gate', '--overlap', 'queue')
    expect((await run()).stdout).toContain(`job ${first} is live`)
    expect(await run()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('already waits') as string,
    })
    await grid.ok('stop', '--wait', String(first))
    const second = await until(async () =>
      (await show('gate')).liveJobs.find((job) => job !== first),
    )
    await grid.ok('schedule', 'edit', 'gate', '--overlap', 'replace')
    expect((await run()).stdout).toContain(`replaces: job ${second} is live`)
    const third = await until(async () => (await show('gate')).liveJobs.find((job) => job > second))
    expect(await grid.show(second)).toMatchObject({ state: 'finished', outcome: 'cancelled' })
    await grid.ok('schedule', 'edit', 'gate', '--overlap', 'allow')
    const fourth = Number(/^job (\d+) submitted/.exec((await run()).stdout)?.[1])
    const shown = await show('gate')
    expect(shown.liveJobs).toEqual([third, fourth])
    const outcomes = shown.ledger.map(({ outcome, jobId, manual }) => [outcome, jobId, manual])
    expect(outcomes.toReversed()).toEqual([
      ['ran', first, true],
      ['skipped', null, true],
      ['ran', second, true],
      ['skipped', null, true],
      ['ran', third, true],
      ['ran', fourth, true],
    ])
    const text = await grid.ok('schedule', 'show', 'gate')
    expect(text).toContain(`ran (job ${fourth})`)
    expect(text).toContain(`running:    job ${third}, job ${fourth}`)
    expect((await grid.json<object[]>('history', '--schedule', 'gate')).length).toBe(2)
  })
})

describe('changes', () => {
  it('edit, pause, resume and remove', async () => {
    await add('mutable', '0 0 1 1 *')
    const edit = [
      '--expression',
      '5 0 1 1 *',
      '--tz',
      'Europe/Berlin',
      '--catch-up',
      'last',
      '--jitter',
      '30s',
    ]
    await grid.ok('schedule', 'edit', 'mutable', ...edit, '--mem', '128M', '--', 'echo', 'changed')
    expect(await show('mutable')).toMatchObject({
      expression: '5 0 1 1 *',
      tz: 'Europe/Berlin',
      catchUp: 'last',
      jitterMs: 30_000,
      job: { command: ['echo', 'changed'], memBytes: 128 * 2 ** 20, cwd: grid.work },
    })
    expect((await grid.eg('schedule', 'edit', 'mutable', '--expression', 'x')).status).toBe(1)
    expect((await grid.eg('schedule', 'edit', 'mutable')).status).toBe(2)
    await grid.ok('schedule', 'pause', 'mutable', '--reason', 'new disk')
    expect((await grid.eg('schedule', 'pause', 'mutable')).status).toBe(1)
    expect((await show('mutable')).paused).toMatchObject({ why: 'new disk' })
    const ran = await grid.json<Firing>('schedule', 'run', 'mutable')
    await grid.finished(ran.jobId ?? 0)
    await grid.ok('schedule', 'resume', 'mutable')
    expect((await show('mutable')).paused).toBeNull()
    expect((await add('mutable', '@daily')).status).toBe(1)
    await grid.ok('schedule', 'remove', 'mutable')
    expect((await grid.eg('schedule', 'run', 'mutable')).status).toBe(5)
  })

  it('a firing of a removed schedule goes on', async () => {
    await add('gone', '0 0 1 1 *')
    const { jobId } = await grid.json<Firing>('schedule', 'run', 'gone')
    await grid.running(jobId ?? 0)
    await grid.ok('schedule', 'remove', 'gone')
    expect((await grid.show(jobId ?? 0)).state).toBe('running')
    await grid.ok('stop', String(jobId))
  })
})

describe('a due time', () => {
  it('ends in the ledger: ran with its job, put off by jitter, or skipped with the reason', async () => {
    // The top of a minute may lie between the first lines of this file: each has its own first firing.
    const firing = (name: string, isIt: (firing: Firing) => boolean) =>
      until(async () => (await show(name)).ledger.find(isIt), {
        timeoutMs: 90_000,
        everyMs: 500,
        what: `a firing of ${name}`,
      })
    const due = await firing('tick', ({ manual }) => !manual)
    expect(due).toMatchObject({ outcome: 'ran', why: 'due', count: 1 })
    const job = await grid.finished(due.jobId ?? 0)
    expect(job).toMatchObject({ name: 'tick', schedule: 'tick', outcome: 'succeeded' })
    expect(Date.parse(job.startedAt ?? '') - Date.parse(due.dueAt)).toBeLessThan(10_000)
    expect(grid.text('tick.log')).toContain(`due ${due.dueAt}\n`)
    const byHand = await grid.json<Firing>('schedule', 'run', 'tick')
    await grid.finished(byHand.jobId ?? 0)
    expect(grid.text('tick.log')).toContain(`due ${byHand.dueAt}\n`)
    const later = await firing('later', ({ jobId }) => jobId !== null)
    const put = await grid.show(later.jobId ?? 0)
    expect(put.state).toBe('pending')
    expect(Date.parse(put.spec.beginAt ?? '')).toBeGreaterThan(Date.parse(later.dueAt))
    const resting = await firing('resting', ({ outcome }) => outcome === 'skipped')
    expect(resting).toMatchObject({
      jobId: null,
      why: expect.stringContaining('too hot') as string,
    })
  }, 180_000)

  it('is shown as the schemas say', async () => {
    const shown = await show('tick')
    expect([...Value.Errors(ScheduleDetail, shown)]).toEqual([])
    for (const time of [...shown.next, ...shown.ledger.map(({ dueAt }) => dueAt)])
      expect(new Date(time).toISOString()).toBe(time)
    const list = await grid.json<ScheduleSummary[]>('schedules')
    for (const one of list) expect([...Value.Errors(ScheduleSummary, one)]).toEqual([])
    expect(list.map(({ name }) => name)).toContain('tick')
  })
})
