/** Quotas on a whole brain: what is refused, what waits, who may change it, and what a restart remembers. */
import { expect, test } from 'vitest'

import type { QuotaRequest } from '../../../proto/quota.ts'
import { builtInLimits } from '../../../scheduler/core/quota.ts'
import { anna, bert, BrainGrid, operator } from '../../support/brain.ts'

const manager = { owner: 'root', rights: 'manager', from: 'test' } as const
const ofAnna = { kind: 'owner', name: 'anna' } as const
const everybody = { kind: 'default', name: null } as const
const command = { command: ['/bin/true'], cwd: '/tmp' }

const say = (grid: BrainGrid, body: QuotaRequest, by: typeof operator = manager) =>
  grid.ok('setQuota', by, { body })
const use = async (grid: BrainGrid, owner = 'anna') => {
  const { limits } = await grid.ok('showQuota', bert, { query: { owner } })
  return Object.fromEntries(limits.map(({ limit, used }) => [limit, used]))
}

test('counts are refused at their limit, with the limit and the way out', async () => {
  const quota = () => ({ ...builtInLimits, jobs: 3, continuous: 1, schedules: 1, pending: 100 })
  const grid = await BrainGrid.open({ settings: { quota } })
  const refusal = async (body: object) => {
    const result = await grid.call('submitJob', anna, { body: { ...command, ...body } })
    return result.ok ? result.value : result.refusal
  }
  await grid.submit({ kind: 'continuous', name: 'bot' })
  expect(await refusal({ kind: 'continuous', name: 'bot2' })).toMatchObject({
    code: 'over-quota',
    detail: expect.stringContaining('anna has 1 continuous jobs, this asks for 1 more'),
    hint: expect.stringContaining('eg jobs --kind continuous'),
  })
  expect(await refusal({ array: { from: 1, to: 100, step: 1 } })).toMatchObject({
    code: 'over-quota',
    detail: expect.stringContaining('waiting tasks'),
  })
  const array = await grid.submit({ array: { from: 1, to: 99, step: 1 } })
  expect(await use(grid)).toMatchObject({ jobs: 2, continuous: 1, pending: 100 })
  await grid.stop([array])
  expect(await use(grid)).toMatchObject({ jobs: 1, pending: 1 })
  await grid.submit()
  await grid.submit()
  expect(await refusal({})).toMatchObject({ code: 'over-quota' })
  // Other owners have limits of their own.
  await grid.submit({}, bert)
  const schedule = { expression: '@daily', job: command }
  await grid.ok('addSchedule', anna, { body: { ...schedule, name: 'one' } })
  const second = { body: { ...schedule, name: 'two' } }
  expect(await grid.refused('addSchedule', anna, second)).toBe('over-quota')
  await grid.ok('removeSchedule', anna, { params: { schedule: 'one' } })
  await grid.ok('addSchedule', anna, second)
})

test('over the limit of slots or memory tasks wait, say so, and start when there is room', async () => {
  const grid = await BrainGrid.open()
  const node = await grid.node('n1', { slots: 16 })
  await say(grid, { subject: ofAnna, set: { slots: 3 } })
  const job = await grid.submit({ array: { from: 1, to: 9, step: 1 }, slots: 2 })
  const small = await grid.submit()
  const other = await grid.submit({ slots: 4 }, bert)
  await grid.tick()
  // Two slots go to the array and one to the small job that still fits, the rest to the other owner.
  expect((await grid.show(job)).counts).toMatchObject({ placed: 1, pending: 8 })
  for (const one of [small, other]) expect(await grid.state(one)).toBe('placed')
  expect(await use(grid)).toMatchObject({ slots: 3, jobs: 2, pending: 8 })
  const { summary, reasons, wayOut } = await grid.ok('explainJob', anna, {
    params: { job: String(job) },
  })
  expect(summary).toContain('anna holds 3, and the limit of anna is 3 (owner:anna)')
  expect(reasons.map(({ code }) => code)).toContain('quota-slots')
  expect(wayOut).toContain('eg quota')
  node.start(`${job}.1`)
  node.exit(`${job}.1`)
  await grid.turn(node)
  expect((await grid.show(job)).counts).toMatchObject({ placed: 1, pending: 7, succeeded: 1 })
  // One that asks for more than the limit is taken, and warned.
  const { warnings } = await grid.ok('submitJob', anna, { body: { ...command, slots: 4 } })
  expect(warnings.join()).toContain('ask for 3 or less')
  await say(grid, { subject: ofAnna, set: { slots: null, memory: 0 } })
  const { reasons: now } = await grid.ok('explainJob', anna, { params: { job: String(job) } })
  expect(now.map(({ code }) => code)).toContain('quota-memory')
  await say(grid, { subject: ofAnna, unset: ['memory'] })
  await grid.tick()
  expect((await grid.show(job)).counts.placed).toBe(5)
})

test('an edit takes no more memory for what runs than quota and node have', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1', { slots: 8, memBytes: 8 * 2 ** 30 })
  const job = await grid.submit({ array: { from: 1, to: 2, step: 1 }, memBytes: 2 ** 30 })
  await grid.submit({ memBytes: 2 ** 30 }, bert)
  await grid.tick()
  await say(grid, { subject: ofAnna, set: { memory: 4 * 2 ** 30 } })
  const edit = async (memBytes: number) => {
    const result = await grid.call('editJob', anna, {
      params: { job: String(job) },
      body: { memBytes },
    })
    return result.ok ? 'done' : result.refusal
  }
  expect(await edit(3 * 2 ** 30)).toMatchObject({
    code: 'over-quota',
    detail:
      'anna has 2G memory held at once, this asks for 4G more, and the limit of anna is 4G (owner:anna)',
  })
  expect(await edit(2 * 2 ** 30)).toBe('done')
  expect(await use(grid)).toMatchObject({ memory: 4 * 2 ** 30 })
  await say(grid, { subject: ofAnna, unset: ['memory'] })
  expect(await edit(5 * 2 ** 30)).toMatchObject({
    code: 'wrong-state',
    detail: expect.stringContaining('n1, which has 3G of memory free, and this asks for 6G more'),
  })
  expect(await edit(2 ** 30)).toBe('done')
  expect(await edit(7 * 2 ** 29)).toBe('done')
})

test('eg quota says which jobs use most', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1', { slots: 3 })
  const few = await grid.submit({ name: 'few' })
  const wide = await grid.submit({ name: 'wide', slots: 2 })
  const idle = await grid.submit({ name: 'idle', array: { from: 1, to: 5, step: 1 } })
  await grid.tick()
  const { jobs } = await grid.ok('showQuota', anna)
  expect(jobs.map(({ job }) => job)).toEqual([wide, few, idle])
  expect(jobs[0]).toMatchObject({ name: 'wide', slots: 2, placed: 1, pending: 0 })
  expect(jobs[2]).toMatchObject({ slots: 0, placed: 0, pending: 5 })
})

test('a raise ends by itself, also over a restart; what was said is listed', async () => {
  const grid = await BrainGrid.open()
  await say(grid, { subject: everybody, set: { jobs: 1 }, why: 'small grid' })
  await grid.submit()
  await say(grid, { subject: ofAnna, set: { jobs: 2 }, forMs: 60_000, why: 'paper' }, operator)
  await grid.reopen()
  expect((await grid.ok('listQuotas', bert)).rules).toMatchObject([
    { subject: everybody, limit: 'jobs', value: 1, until: null, by: 'root', why: 'small grid' },
    { subject: ofAnna, limit: 'jobs', value: 2, until: expect.any(String), by: 'olga' },
  ])
  await grid.submit()
  await grid.clock.advance(60_000)
  expect(await grid.refused('submitJob', anna, { body: command })).toBe('over-quota')
  expect((await grid.ok('listQuotas', bert)).rules).toHaveLength(1)
  expect(await use(grid)).toMatchObject({ jobs: 2, pending: 2 })
  await say(grid, { subject: everybody, unset: ['jobs'] })
  await grid.reopen()
  expect((await grid.ok('listQuotas', bert)).rules).toEqual([])
})

test('operators raise one owner for a time; the rest is for managers', async () => {
  const grid = await BrainGrid.open()
  const refused = (body: QuotaRequest, by = operator) => grid.refused('setQuota', by, { body })
  expect(await refused({ subject: ofAnna, set: { jobs: 5 } })).toBe('forbidden')
  expect(await refused({ subject: everybody, set: { jobs: 5 }, forMs: 5000 })).toBe('forbidden')
  expect(await refused({ subject: ofAnna, set: { jobs: 5 }, forMs: 5000 })).toBe('done')
  expect(await refused({ subject: everybody, set: { jobs: 5 } }, manager)).toBe('done')
  expect(await refused({ subject: { kind: 'owner', name: null }, set: {} }, manager)).toBe(
    'invalid',
  )
  expect(await refused({ subject: ofAnna }, manager)).toBe('invalid')
})

test('members of a group have its limits; who was one is asked again', async () => {
  const members = new Set(['anna'])
  const groupMembers = async (group: string) => (group === 'lab' ? [...members] : [])
  const grid = await BrainGrid.open({ settings: { groupMembers } })
  const from = async (owner: string) => {
    const { limits } = await grid.ok('showQuota', anna, { query: { owner } })
    return limits.find(({ limit }) => limit === 'jobs')?.from
  }
  await say(grid, { subject: { kind: 'group', name: 'lab' }, set: { jobs: 7 } })
  expect([await from('anna'), await from('bert')]).toEqual(['group:lab', 'built-in'])
  await grid.reopen()
  grid.brain.start()
  await grid.clock.advance(1_000)
  expect(await from('anna')).toBe('group:lab')
  members.add('bert')
  await grid.clock.advance(61_000)
  expect(await from('bert')).toBe('group:lab')
  await grid.brain.stop()
})

test('requests beyond the limit are told when to come again', async () => {
  const grid = await BrainGrid.open({
    settings: { quota: () => ({ ...builtInLimits, requests: 2 }) },
  })
  expect(grid.brain.admit('anna')).toBeNull()
  expect(grid.brain.admit('anna')).toBeNull()
  expect(grid.brain.admit('anna')).toMatchObject({
    refusal: { code: 'too-many-requests', detail: expect.stringContaining('anna is 2') },
    retryAfterMs: 30_000,
  })
  expect(grid.brain.admit('bert')).toBeNull()
  expect(await use(grid)).toMatchObject({ requests: 2 })
  await grid.clock.advance(30_000)
  expect(grid.brain.admit('anna')).toBeNull()
})

test('an edit of the memory of what runs is counted', async () => {
  const grid = await BrainGrid.open()
  await grid.node('n1', { memBytes: 2 ** 33 })
  const job = await grid.submit({ memBytes: 2 ** 30 })
  await grid.tick()
  const edit = { params: { job: String(job) }, body: { memBytes: 2 ** 31 } }
  await grid.ok('editJob', anna, edit)
  expect(await use(grid)).toMatchObject({ memory: 2 ** 31, slots: 1 })
})
