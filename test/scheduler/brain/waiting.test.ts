import { expect, test } from 'vitest'

import { anna, BrainGrid } from '../../support/brain.ts'

test('a million tasks are a range until they are placed', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 2 })
  const array = { from: 1, to: 1_000_000, step: 1 }
  const begun = performance.now()
  const job = await grid.submit({ array })
  expect(performance.now() - begun).toBeLessThan(1000)
  expect((await grid.show(job)).tasks).toMatchObject([{ range: [1, 1_000_000], state: 'pending' }])
  await grid.tick()
  node.start(`${job}.1`)
  node.exit(`${job}.1`)
  await node.report()
  const { tasks, counts } = await grid.show(job)
  expect(tasks).toMatchObject([
    { index: 1, state: 'finished' },
    { index: 2, state: 'placed' },
    { range: [3, 1_000_000] },
  ])
  expect(counts).toMatchObject({ pending: 999_998, placed: 1, succeeded: 1 })
  expect(grid.brain.state.jobs.get(job)?.tasks?.size).toBe(1)
  await grid.stop([job])
  await grid.quiet()
  node.stopWanted()
  await node.report()
  const finished = await grid.show(job)
  expect(finished).toMatchObject({ outcome: 'cancelled', counts: { cancelled: 999_999 } })
  expect(finished.tasks).toMatchObject([
    { index: 1, outcome: 'succeeded' },
    { index: 2, outcome: 'cancelled' },
    { range: [3, 1_000_000], state: 'finished', outcome: 'cancelled' },
  ])
  const page = await grid.show(job, { tasks: '1-1' })
  expect(page.tasks).toHaveLength(1)
})

test('no more tasks of an array run at once than it says, and retries go first', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 8 })
  const job = await grid.submit({ array: { from: 2, to: 20, step: 2 }, maxRunning: 2, retry: 1 })
  await grid.tick()
  expect((await grid.show(job)).counts).toMatchObject({ placed: 2, pending: 8 })
  node.start(`${job}.2`)
  node.exit(`${job}.2`, 1)
  await node.report()
  await grid.tick()
  expect((await grid.show(job)).counts).toMatchObject({ placed: 2, pending: 8 })
  await grid.clock.advance(6_000)
  node.start(`${job}.4`)
  node.exit(`${job}.4`)
  await node.report()
  await grid.tick()
  expect((await grid.show(job)).tasks).toMatchObject([
    { index: 2, state: 'placed' },
    { index: 4, state: 'finished' },
    { index: 6, state: 'placed' },
    { range: [8, 20] },
  ])
  for (let index = 2; index <= 20; index += 2) {
    for (const { order } of [...node.held.values()]) {
      node.start(order.task)
      node.exit(order.task)
    }
    await grid.turn(node)
  }
  const end = await grid.show(job)
  expect(end).toMatchObject({ state: 'finished', outcome: 'succeeded', counts: { succeeded: 10 } })
})

test('a retry prefers another node', async () => {
  const grid = await BrainGrid.open()
  const nodes = [await grid.node('n1'), await grid.node('n2')]
  const job = await grid.submit({ retry: 1 })
  await grid.tick()
  const first = nodes.find((node) => node.has(`${job}.1`))
  const other = nodes.find((node) => node !== first)
  first?.start(`${job}.1`)
  first?.exit(`${job}.1`, 1)
  await first?.report()
  expect((await grid.show(job)).tasks).toMatchObject([{ state: 'pending' }])
  const { reasons } = await grid.ok('explainJob', anna, { params: { job: String(job) } })
  expect(reasons.map(({ code }) => code)).toContain('retry-delay')
  await grid.pass(8_000, ...nodes)
  expect(other?.has(`${job}.1`)).toBe(true)
  expect(other?.of(`${job}.1`).order).toMatchObject({ epoch: 2, firstRun: 2 })
})

test('dependencies on jobs that live', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const good = await grid.submit({ name: 'good' })
  const bad = await grid.submit({ name: 'bad' })
  const on = (job: string | number, how: 'ok' | 'any' | 'fail') =>
    grid.submit({ after: [{ job: String(job), on: how }] })
  const ok = await on('good', 'ok')
  const any = await on(bad, 'any')
  const fail = await on(bad, 'fail')
  const broken = await on(bad, 'ok')
  const chained = await on(broken, 'ok')
  await grid.tick()
  expect(await grid.state(ok)).toBe('pending')
  node.start(`${good}.1`)
  node.exit(`${good}.1`)
  node.start(`${bad}.1`)
  node.exit(`${bad}.1`, 2)
  await grid.turn(node)
  for (const job of [ok, any, fail]) expect(await grid.state(job)).toBe('placed')
  for (const job of [broken, chained])
    expect(await grid.show(job)).toMatchObject({
      state: 'finished',
      outcome: 'failed',
      cause: { kind: 'dependency-failed' },
    })
})

test('dependencies on jobs that have ended are judged at once', async () => {
  const grid = await BrainGrid.open()
  const gone = await grid.submit()
  void grid.call('stopJobs', anna, { body: { jobs: [String(gone)] } })
  const submit = (on: 'ok' | 'any' | 'fail', job = String(gone)) =>
    grid.refused('submitJob', anna, {
      body: { command: ['x'], cwd: '/', after: [{ job, on }] },
    })
  expect(await submit('ok')).toBe('refused')
  expect(await submit('any')).toBe('done')
  expect(await submit('fail')).toBe('done')
  expect(await submit('any', '999')).toBe('not-found')
})

test('a dependency on a name that no live job has says how a finished one is named', async () => {
  const grid = await BrainGrid.open()
  const gone = await grid.submit({ name: 'quick' })
  await grid.stop([gone])
  const after = async (job: string) => {
    const body = { command: ['x'], cwd: '/', after: [{ job, on: 'any' as const }] }
    const result = await grid.call('submitJob', anna, { body })
    return result.ok ? null : result.refusal
  }
  expect(await after('quick')).toMatchObject({
    code: 'not-found',
    detail: '--after quick: you have no live job "quick"',
    hint: 'name one that has finished by its number: `eg history --name quick`',
  })
  expect(await after('999')).toMatchObject({ detail: '--after 999: there is no job 999' })
  expect(await after(String(gone))).toBeNull()
})

test('a chain of 20,000 that breaks at its first link ends in one go', async () => {
  const grid = await BrainGrid.open()
  let last = await grid.submit()
  for (let count = 0; count < 20_000; count += 1) {
    const after = [{ job: String(last), on: 'ok' as const }]
    const body = { command: ['x'], cwd: '/', after }
    const result = await grid.call('submitJob', anna, { body })
    if (result.ok) last = result.value.job
  }
  await grid.stop([1])
  expect(grid.brain.state.jobs.size).toBe(0)
  expect(await grid.show(last)).toMatchObject({ outcome: 'failed' })
})

test('a job begins at its time', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const beginAt = new Date(grid.clock.now() + 60_000).toISOString()
  const job = await grid.submit({ beginAt })
  await grid.pass(50_000, node)
  expect(await grid.show(job)).toMatchObject({ state: 'pending', reason: `begins at ${beginAt}` })
  await grid.pass(12_000, node)
  expect(await grid.state(job)).toBe('placed')
})

test('what can never run is refused, what waits says why and after whom', async () => {
  const grid = await BrainGrid.open()
  const early = await grid.call('submitJob', anna, { body: { command: ['x'], cwd: '/' } })
  expect(early.ok && early.value.warnings[0]).toContain('no nodes yet')
  await grid.node('n1', { slots: 1 })
  const body = { command: ['x'], cwd: '/', slots: 9 }
  expect(await grid.refused('submitJob', anna, { body })).toBe('can-never-run')
  await grid.tick()
  await grid.submit()
  const last = await grid.submit()
  const explained = await grid.ok('explainJob', anna, { params: { job: String(last) } })
  expect(explained).toMatchObject({ ahead: 1, state: 'pending' })
  expect(explained.reasons.map(({ code }) => code)).toEqual(['slots-now'])
})

test('who waits for a job hears of its end, and of nothing after the timeout', async () => {
  const grid = await BrainGrid.open()
  const job = await grid.submit()
  const params = { job: String(job) }
  const short = grid.call('waitJob', anna, { params, query: { timeoutMs: 1000 } })
  await grid.clock.advance(1500)
  expect(await short).toMatchObject({ ok: true, value: { state: 'pending' } })
  const long = grid.call('waitJob', anna, { params, query: { timeoutMs: 60_000 } })
  await grid.quiet()
  await grid.stop([job])
  expect(await long).toMatchObject({ ok: true, value: { outcome: 'cancelled' } })
  expect(await grid.ok('waitJob', anna, { params })).toMatchObject({ outcome: 'cancelled' })
  expect(grid.clock.pending).toBe(0)
})

test('lists come in pages, live and finished', async () => {
  const grid = await BrainGrid.open()
  for (let count = 0; count < 5; count += 1) await grid.submit({ name: `j${count}` })
  const first = await grid.ok('listJobs', anna, { query: { limit: 2 } })
  expect(first.jobs.map(({ id }) => id)).toEqual([1, 2])
  const second = await grid.ok('listJobs', anna, { query: { limit: 9, page: first.next ?? '' } })
  expect(second.jobs.map(({ id }) => id)).toEqual([3, 4, 5])
  await grid.ok('stopJobs', anna, { body: { all: true } })
  const ended = await grid.ok('listJobs', anna, { query: { finished: true, limit: 3 } })
  const rest = await grid.ok('listJobs', anna, {
    query: { finished: true, page: ended.next ?? '' },
  })
  expect([...ended.jobs, ...rest.jobs].map(({ id }) => id)).toEqual([5, 4, 3, 2, 1])
})

test('explain of one task tells of that task', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 8 })
  const job = await grid.submit({ array: { from: 1, to: 9, step: 1 }, maxRunning: 1 })
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  const explain = (task: number) =>
    grid.ok('explainJob', anna, { params: { job: `${job}.${task}` } })
  expect((await explain(1)).summary).toBe('task 1 is running: nothing of it waits')
  expect((await explain(9)).summary).toContain('1 tasks run, and 1 may at once')
  await grid.ok('holdJobs', anna, { body: { jobs: [`${job}.5`] } })
  expect(await explain(5)).toMatchObject({
    state: 'held',
    summary: expect.stringContaining('task 5 is held'),
    wayOut: `eg release ${job}.5`,
  })
  await grid.ok('suspendJobs', anna, { body: { jobs: [`${job}.1`] } })
  node.phase(`${job}.1`, { kind: 'suspended', run: 1 })
  await node.report()
  expect(await explain(1)).toMatchObject({ state: 'suspended', wayOut: `eg resume ${job}.1` })
  const none = { params: { job: `${job}.10` } }
  expect(await grid.refused('explainJob', anna, none)).toBe('not-found')
  // Of one that has ended nothing is left to explain, nor to stop.
  await grid.ok('resumeJobs', anna, { body: { jobs: [`${job}.1`] } })
  node.exit(`${job}.1`)
  await node.report()
  expect(await grid.refused('explainJob', anna, { params: { job: `${job}.1` } })).toBe('not-found')
  const { refused } = await grid.ok('stopJobs', anna, { body: { jobs: [`${job}.1`] } })
  expect(refused).toMatchObject([{ detail: `job ${job} has no unfinished task 1` }])
  // Nor when all of the job has ended, otherwise perhaps than this task.
  await grid.stop([job])
  expect(await grid.refused('explainJob', anna, { params: { job: `${job}.1` } })).toBe('not-found')
})
