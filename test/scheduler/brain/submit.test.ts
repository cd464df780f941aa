/** What a submit may ask beside the job itself: only a check, all jobs of a name, codes that are no end, a script. */
import { expect, test } from 'vitest'

import { anna, bert, BrainGrid } from '../../support/brain.ts'

const request = { command: ['true'], cwd: '/' }

test('a dry run judges the request and submits nothing', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1', { slots: 2 })
  const body = { ...request, dryRun: true, name: 'x' }
  expect(await grid.ok('submitJob', anna, { body })).toMatchObject({ job: 0, name: 'x', tasks: 1 })
  const big = await grid.call('submitJob', anna, { body: { ...body, slots: 3 } })
  expect(big).toMatchObject({ ok: false, refusal: { code: 'can-never-run' } })
  expect((await grid.ok('listJobs', anna)).jobs).toEqual([])
  expect(await grid.submit()).toBe(1)
})

test('a job waits for all jobs that a pattern means, also for none', async () => {
  const grid = await BrainGrid.open()
  const [a, b, other] = [
    await grid.submit({ name: 'prep-a', hold: true }),
    await grid.submit({ name: 'prep-b', hold: true }),
    await grid.submit({ name: 'else', hold: true }),
  ]
  const foreign = await grid.ok('submitJob', bert, { body: { ...request, name: 'prep-c' } })
  const on = 'any' as const
  const after = ['prep-*', String(foreign.job), 'nobody', '9999'].map((job) => ({
    job,
    on,
    all: true,
  }))
  const job = await grid.submit({ after })
  const [shown] = (await grid.ok('listJobs', anna)).jobs.filter(({ id }) => id === job)
  expect(shown).toMatchObject({ waitsFor: [a, b, foreign.job], beginAt: null })
  await grid.stop([a, b, other])
  expect((await grid.show(job)).waitsFor).toEqual([foreign.job])
})

test('a job waits for another once, however often it is named, and patterns have an end', async () => {
  const grid = await BrainGrid.open()
  const bulk = Array.from({ length: 3 }, (_, nth) => grid.submit({ name: `b${nth}`, hold: true }))
  const jobs = await Promise.all(bulk)
  const of = (job: string, all = true) => ({ job, on: 'any' as const, all })
  const after = [of('b*'), of('b?'), of('b1'), of('b1', false), of(String(jobs[0])), of('b*')]
  const waits = await grid.submit({ after })
  expect((await grid.show(waits)).spec.after).toEqual(jobs.map((job) => ({ job, on: 'any' })))
  const many = Array.from({ length: 101 }, (_, nth) => of(`b*${nth}`))
  expect(await grid.refused('submitJob', anna, { body: { ...request, after: many } })).toBe(
    'refused',
  )
})

test('exit codes that are no end: again in a while, held until released', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1')
  const job = await grid.submit({ exits: { again: 99, hold: 100 } })
  const ends = async (code: number) => {
    await grid.tick()
    node.start(`${job}.1`)
    await node.report()
    node.exit(`${job}.1`, code)
    await node.report()
  }
  await ends(99)
  expect(await grid.state(job)).toBe('pending')
  await grid.pass(10_000, node)
  await ends(100)
  expect(await grid.state(job)).toBe('held')
  await grid.ok('releaseJobs', anna, { body: { jobs: [String(job)] } })
  await ends(0)
  expect(await grid.show(job)).toMatchObject({ state: 'finished', outcome: 'succeeded' })
})

test('a script that the command does not name is refused', async () => {
  const grid = await BrainGrid.open()
  const body = { ...request, script: 'true' }
  expect(await grid.call('submitJob', anna, { body })).toMatchObject({
    refusal: { code: 'refused', hint: 'name it in the command by the word $JOB_SCRIPT' },
  })
  const job = await grid.submit({
    ...body,
    command: ['/bin/sh', '$JOB_SCRIPT'],
    notes: { pe: 'smp' },
  })
  expect((await grid.show(job)).spec).toMatchObject({ script: 'true', notes: { pe: 'smp' } })
})

test('a list tells the unfinished tasks where it is asked to', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 1 })
  const job = await grid.submit({ array: { from: 1, to: 5, step: 2 } })
  await grid.tick()
  node.start(`${job}.1`)
  await node.report()
  const { jobs } = await grid.ok('listJobs', anna, { query: { tasks: true } })
  expect(jobs[0]?.unfinished).toMatchObject([
    { index: 1, state: 'running', node: 'n1' },
    { range: [3, 5], step: 2, state: 'pending' },
  ])
  expect((await grid.ok('listJobs', anna)).jobs[0]).not.toHaveProperty('unfinished')
})
