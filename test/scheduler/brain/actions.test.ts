import { expect, test } from 'vitest'

import type { JobEdit } from '../../../proto/job.ts'
import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const bot = { kind: 'continuous', name: 'bot' } as const
const jobs = (...ids: (number | string)[]) => ({ body: { jobs: ids.map(String) } })

async function running(request: Parameters<BrainGrid['submit']>[0] = {}) {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit(request)
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  return { grid, node, job, task: `${job}.1` }
}

test('a waiting job that is stopped is over at once', async () => {
  const grid = await BrainGrid.open()
  const job = await grid.submit()
  const { done } = await grid.ok('stopJobs', anna, { body: { jobs: [String(job)], why: 'enough' } })
  expect(done).toMatchObject([{ job, detail: 'stopped' }])
  const shown = await grid.show(job)
  expect(shown).toMatchObject({
    state: 'finished',
    outcome: 'cancelled',
    cause: { kind: 'cancelled', by: 'anna', why: 'enough' },
  })
  expect(shown.tasks).toMatchObject([{ index: 1, state: 'finished', outcome: 'cancelled' }])
  expect(grid.brain.state.waiting.size).toBe(0)
})

test('a running job that is stopped is over when its node says so', async () => {
  const { grid, node, job } = await running()
  await grid.stop([job])
  await grid.quiet()
  expect(await grid.state(job)).toBe('stopping')
  node.stopWanted()
  await node.report()
  expect(await grid.show(job)).toMatchObject({ state: 'finished', outcome: 'cancelled' })
})

test('a job that ended well just before its stop came succeeded', async () => {
  const { grid, node, job, task } = await running()
  await grid.stop([job])
  node.exit(task)
  await node.report()
  expect(await grid.show(job)).toMatchObject({ outcome: 'succeeded', cause: { kind: 'exit' } })
})

test('one task of an array is stopped alone, wherever it is', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 1 })
  const job = await grid.submit({ array: { from: 1, to: 4, step: 1 } })
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  await grid.stop([`${job}.1`, `${job}.3`])
  await grid.quiet()
  const { tasks } = await grid.show(job)
  expect(tasks).toMatchObject([
    { index: 1, state: 'stopping' },
    { range: [2, 2], state: 'pending' },
    { index: 3, state: 'finished', outcome: 'cancelled' },
    { range: [4, 4], state: 'pending' },
  ])
  node.stopWanted()
  await node.report()
  await grid.tick()
  expect((await grid.show(job)).counts).toMatchObject({ placed: 1, pending: 1, cancelled: 2 })
})

test('a task that waits for its retry can be stopped, and nothing of it is placed afterwards', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ retry: 3 })
  await grid.tick()
  node.start(`${job}.1`)
  node.exit(`${job}.1`, 1)
  await node.report()
  await grid.pass(10_000, node)
  node.start(`${job}.1`)
  node.exit(`${job}.1`, 1)
  await node.report()
  await grid.stop([`${job}.1`])
  expect(await grid.state(job)).toBe('finished')
  await grid.pass(60_000, node)
  expect(node.held.size).toBe(0)
})

test('hold keeps what waits from starting, and release ends it', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1')
  const job = await grid.submit()
  await grid.ok('holdJobs', anna, jobs(job))
  await grid.tick()
  expect(await grid.show(job)).toMatchObject({ state: 'held', reason: 'held by anna' })
  const { summary, wayOut } = await grid.ok('explainJob', anna, { params: { job: String(job) } })
  expect(summary).toContain('held by anna')
  expect(wayOut).toBe(`eg release ${job}`)
  await grid.ok('releaseJobs', anna, jobs(job))
  await grid.tick()
  expect(await grid.state(job)).toBe('placed')
  const again = await grid.ok('releaseJobs', anna, jobs(job))
  expect(again.refused).toMatchObject([{ code: 'wrong-state' }])
})

test('a held job whose run fails waits held, and is tried again when released', async () => {
  const { grid, node, job, task } = await running({ retry: 1 })
  await grid.ok('holdJobs', anna, jobs(job))
  node.exit(task, 1)
  await node.report()
  await grid.pass(20_000, node)
  expect(await grid.state(job)).toBe('held')
  await grid.ok('releaseJobs', anna, jobs(job))
  await grid.tick()
  expect(await grid.state(job)).toBe('placed')
})

test('suspend and resume are told to the node, and a hold outlasts them', async () => {
  const { grid, node, job, task } = await running(bot)
  await grid.ok('holdJobs', anna, jobs(job))
  await grid.ok('suspendJobs', anna, jobs(job))
  await grid.quiet()
  expect(node.of(task).order.want.kind).toBe('suspend')
  node.phase(task, { kind: 'suspended', run: 1 })
  await node.report()
  expect(await grid.state(job)).toBe('suspended')
  await grid.ok('resumeJobs', anna, jobs(job))
  await grid.quiet()
  expect(node.of(task).order.want.kind).toBe('run')
  expect((await grid.show(job)).wanted.what).toBe('hold')
  const again = await grid.ok('resumeJobs', anna, jobs(job))
  expect(again.refused).toMatchObject([{ detail: `job ${job} is not suspended` }])
})

test('a task of a suspended job is resumed by itself, and the job after it', async () => {
  const { grid, job, task, node } = await running()
  await grid.ok('suspendJobs', anna, jobs(job))
  await grid.turn(node)
  expect(node.of(task).order.want.kind).toBe('suspend')
  await grid.ok('resumeJobs', anna, jobs(task))
  await grid.turn(node)
  expect(node.of(task).order.want.kind).toBe('run')
  await grid.ok('resumeJobs', anna, jobs(job))
  await grid.turn(node)
  expect(node.of(task).order.want.kind).toBe('run')
})

test('what is being stopped can be neither held nor suspended nor restarted', async () => {
  const { grid, job } = await running(bot)
  await grid.stop([job])
  for (const route of ['holdJobs', 'suspendJobs', 'resumeJobs', 'restartJobs'] as const) {
    const { refused } = await grid.ok(route, anna, jobs(job))
    expect(refused).toMatchObject([{ code: 'wrong-state' }])
  }
  expect((await grid.show(job)).wanted.what).toBe('stop')
})

test('a restart is counted in the orders, and only of what runs and never ends', async () => {
  const { grid, node, job, task } = await running(bot)
  await grid.ok('restartJobs', anna, { body: { jobs: ['bot'], why: 'new code' } })
  await grid.quiet()
  expect(node.of(task).order.restart).toEqual({ count: 1, by: 'anna', why: 'new code' })
  const once = await grid.submit()
  const { refused } = await grid.ok('restartJobs', anna, jobs(once))
  expect(refused).toHaveLength(1)
  expect((await grid.show(job)).timeline.map(({ what }) => what)).toContain('restart-wanted')
})

test('others may not touch a job, operators may', async () => {
  const grid = await BrainGrid.open()
  const job = await grid.submit()
  const { refused } = await grid.ok('stopJobs', bert, jobs(job))
  expect(refused).toMatchObject([{ code: 'forbidden' }])
  expect((await grid.ok('stopJobs', operator, jobs(job))).done).toHaveLength(1)
})

test('a selection by pattern, and a dry run that changes nothing', async () => {
  const grid = await BrainGrid.open()
  for (const name of ['a1', 'a2', 'b1']) await grid.submit({ name })
  await grid.submit({ name: 'a9' }, bert)
  const dry = await grid.ok('stopJobs', anna, { body: { name: 'a*', dryRun: true } })
  expect(dry.done.map(({ name }) => name)).toEqual(['a1', 'a2'])
  expect(grid.brain.state.jobs.size).toBe(4)
  await grid.ok('stopJobs', anna, { body: { all: true } })
  expect([...grid.brain.state.jobs.values()].map(({ name }) => name)).toEqual(['a9'])
})

test('the name of a continuous job is its own while it lives', async () => {
  const grid = await BrainGrid.open()
  const first = await grid.submit(bot)
  const body = { ...bot, command: ['/bin/true'], cwd: '/tmp' }
  const second = await grid.call('submitJob', anna, { body })
  expect(second).toMatchObject({ ok: false, refusal: { code: 'name-taken' } })
  expect(second.ok || second.refusal.detail).toContain(String(first))
  await grid.submit(bot, bert)
  await grid.submit({ name: 'bot' })
  await grid.stop([first])
  await grid.submit(bot)
})

test('a continuous job may follow one that is being stopped: it waits for the end', async () => {
  const { grid, node, job } = await running(bot)
  await grid.stop([job])
  await grid.quiet()
  const next = await grid.submit(bot)
  const body = { ...bot, command: ['/bin/true'], cwd: '/tmp' }
  expect(await grid.refused('submitJob', anna, { body })).toBe('name-taken')
  expect((await grid.show(next)).state).toBe('pending')
  expect((await grid.ok('explainJob', anna, { params: { job: String(next) } })).summary).toContain(
    String(job),
  )
  // One that never began does not make room for a third beside the first.
  await grid.stop([next])
  const third = await grid.submit(bot)
  expect((await grid.show(third)).state).toBe('pending')
  await grid.tick()
  expect(await grid.state(third)).toBe('pending')
  node.stopWanted()
  await node.report()
  expect(await grid.state(job)).toBe('finished')
  await grid.tick()
  expect(await grid.state(third)).toBe('placed')
})

test('a job that is wanted once is refused beside any live one of its name', async () => {
  const grid = await BrainGrid.open()
  const first = await grid.submit({ name: 'sync', once: true })
  const body = { name: 'sync', command: ['/bin/true'], cwd: '/tmp', once: true }
  const second = await grid.call('submitJob', anna, { body })
  expect(second).toMatchObject({ ok: false, refusal: { code: 'name-taken' } })
  expect(second.ok || second.refusal.detail).toContain(`job ${first}`)
  await grid.submit({ name: 'sync' })
  await grid.submit({ name: 'other', once: true })
  await grid.submit({ name: 'sync', once: true }, bert)
  await grid.ok('stopJobs', anna, { body: { name: 'sync' } })
  const again = await grid.submit({ name: 'sync', once: true })
  expect((await grid.show(again)).spec).not.toHaveProperty('once')
})

test('edits say when they take effect, and two at once both hold', async () => {
  const { grid, node, job, task } = await running(bot)
  const params = { job: String(job) }
  const [one, two] = await Promise.all([
    grid.ok('editJob', anna, { params, body: { memBytes: 2 ** 30 } }),
    grid
      .ok('editJob', anna, { params, body: { timeMs: 5000, where: { arch: 'x' } } })
      .catch((error: Error) => error.message),
  ])
  expect(one.changed).toEqual([{ field: 'memBytes', effect: 'now' }])
  expect(two).toContain('can-never-run')
  await Promise.all([
    grid.ok('editJob', anna, { params, body: { priority: -7 } }),
    grid.ok('editJob', anna, { params, body: { timeMs: 5000 } }),
  ])
  await grid.quiet()
  expect((await grid.show(job)).spec).toMatchObject({
    memBytes: 2 ** 30,
    priority: -7,
    timeMs: 5000,
  })
  expect(node.of(task).order.spec).toMatchObject({ memBytes: 2 ** 30, timeMs: 5000 })
  expect(grid.brain.state.capacity.used('n1').memBytes).toBe(2 ** 30)
  // What is so already is no change.
  const again = { params, body: { memBytes: 2 ** 30, timeMs: 5000 } }
  expect((await grid.ok('editJob', anna, again)).changed).toEqual([])
  expect(await grid.refused('editJob', anna, { params, body: { slots: 2 } })).toBe('wrong-state')
  // A begin time says nothing to what runs; "keep" waits for the next placement, "stop" binds the node at once.
  const effectOf = async (body: JobEdit) =>
    (await grid.ok('editJob', anna, { params, body })).changed[0]?.effect
  expect(await effectOf({ beginAt: '2030-01-01T00:00:00Z' })).toBe('next-placement')
  expect(await effectOf({ onPartition: 'keep' })).toBe('next-placement')
  expect(await effectOf({ onPartition: 'stop' })).toBe('now')
  const waiting = await grid.submit({ beginAt: '2030-01-01T00:00:00Z' })
  const edit = { params: { job: String(waiting) }, body: { slots: 2, beginAt: null } }
  expect((await grid.ok('editJob', anna, edit)).changed.map(({ effect }) => effect)).toEqual([
    'now',
    'now',
  ])
  await grid.tick()
  expect(await grid.state(waiting)).toBe('placed')
})
