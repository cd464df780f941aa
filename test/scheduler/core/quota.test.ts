/** Which limit holds for an owner, and what who is over one is told. */
import { describe, expect, test } from 'vitest'

import { parseLimit } from '../../../proto/limits.ts'
import {
  builtInLimits,
  neverWithin,
  overQuota,
  QuotaBook,
  quotaBlocker,
  subjectOf,
  subjectText,
  type Limit,
} from '../../../scheduler/core/quota.ts'

const said = (value: number | null) => ({ value, by: 'root', at: 0, why: '' })
const book = () => new QuotaBook(() => ({ ...builtInLimits, jobs: 10 }))
const jobsOf = (one: QuotaBook, owner: string, now = 0) => one.limit(owner, 'jobs', now)
const limit = (value: number | null): Limit => ({ value, from: 'default', until: null })

describe('the limit of an owner', () => {
  test('is its own, else that of its groups, else of everybody, else what is built in', () => {
    const one = book()
    expect(jobsOf(one, 'anna')).toEqual({ value: 10, from: 'built-in', until: null })
    one.say('default', { jobs: said(20) }, null, 0)
    expect(jobsOf(one, 'anna')).toMatchObject({ value: 20, from: 'default' })
    one.members.set('lab', new Set(['anna']))
    one.say('group:lab', { jobs: said(5) }, null, 0)
    expect(jobsOf(one, 'anna')).toMatchObject({ value: 5, from: 'group:lab' })
    expect(jobsOf(one, 'bert')).toMatchObject({ value: 20, from: 'default' })
    one.say('owner:anna', { jobs: said(1) }, null, 0)
    expect(jobsOf(one, 'anna')).toMatchObject({ value: 1, from: 'owner:anna' })
    // Other limits are not touched by a rule about one.
    expect(one.limit('anna', 'continuous', 0).from).toBe('built-in')
  })

  test('of several groups is the widest, and none is wider than any', () => {
    const one = book()
    for (const [group, value] of [
      ['a', 3],
      ['b', 7],
      ['c', 5],
    ] as const) {
      one.members.set(group, new Set(['anna']))
      one.say(`group:${group}`, { jobs: said(value) }, null, 0)
    }
    expect(jobsOf(one, 'anna').value).toBe(7)
    one.say('group:c', { jobs: said(null) }, null, 0)
    expect(jobsOf(one, 'anna')).toMatchObject({ value: null, from: 'group:c' })
  })

  test('is raised for a time, then as before', () => {
    const one = book()
    one.say('owner:anna', { jobs: said(5) }, null, 0)
    one.say('owner:anna', { jobs: said(50) }, 1000, 0)
    expect(jobsOf(one, 'anna', 999)).toEqual({ value: 50, from: 'owner:anna', until: 1000 })
    expect(jobsOf(one, 'anna', 1000)).toEqual({ value: 5, from: 'owner:anna', until: null })
    // What is over is forgotten when something else is said.
    one.say('owner:anna', { slots: said(2) }, null, 2000)
    expect(one.rules.get('owner:anna')?.raised).toEqual({})
  })

  test('what is said for good ends a raise, and what is unsaid leaves nothing', () => {
    const one = book()
    one.say('owner:anna', { jobs: said(50) }, 1000, 0)
    one.say('owner:anna', { jobs: said(5) }, null, 0)
    expect(jobsOf(one, 'anna').value).toBe(5)
    one.say('owner:anna', { jobs: null }, null, 0)
    expect(one.rules.size).toBe(0)
    expect(jobsOf(one, 'anna').from).toBe('built-in')
  })
})

test('a count up to its limit is taken, one more is refused with the limit and the way out', () => {
  expect(overQuota('anna', 'jobs', limit(10), { used: 9, more: 1 })).toBeNull()
  expect(overQuota('anna', 'jobs', limit(null), { used: 1e9, more: 1 })).toBeNull()
  expect(overQuota('anna', 'jobs', limit(10), { used: 10, more: 1 })).toEqual({
    code: 'over-quota',
    detail: 'anna has 10 live jobs, this asks for 1 more, and the limit of anna is 10 (default)',
    hint: expect.stringMatching(/stop some.*eg quota set --owner anna jobs=11 --for 7d/),
  })
  expect(overQuota('anna', 'pending', limit(10), { used: 0, more: 11 })?.detail).toBe(
    'this asks for 11 waiting tasks, and the limit of anna is 10 (default)',
  )
})

describe('what waits for slots or memory', () => {
  const asked = { slots: 2, memBytes: 2 ** 30 }
  const none = limit(null)
  test('is told what it waits for', () => {
    const held = { slots: 3, memBytes: 2 ** 32 }
    expect(quotaBlocker('anna', asked, held, { slots: none, memory: none })).toBeNull()
    expect(quotaBlocker('anna', asked, held, { slots: limit(5), memory: none })).toBeNull()
    expect(quotaBlocker('anna', asked, held, { slots: limit(4), memory: none })).toEqual({
      code: 'quota-slots',
      detail: 'it asks for 2 slots, anna holds 3, and the limit of anna is 4 (default)',
      wayOut: expect.stringMatching(/^wait until one of its tasks ends/),
    })
    const byMemory = quotaBlocker('anna', asked, held, { slots: none, memory: limit(2 ** 32) })
    expect(byMemory).toMatchObject({
      code: 'quota-memory',
      detail: 'it asks for 1G of memory, anna holds 4G, and the limit of anna is 4G (default)',
    })
  })

  test('is warned where it can never start', () => {
    expect(neverWithin('anna', asked, { slots: limit(2), memory: none })).toBeNull()
    expect(neverWithin('anna', asked, { slots: limit(1), memory: none })).toMatch(
      /^it waits: .*ask for 1 or less/,
    )
  })
})

test.each(['default', 'group:lab', 'owner:anna', 'owner:group:odd'])('%s is a subject', (text) => {
  expect(subjectText(subjectOf(text))).toBe(text)
})

test('limits as people write them', () => {
  expect(parseLimit('jobs=5')).toEqual({ ok: true, value: ['jobs', 5] })
  expect(parseLimit('memory=64G')).toEqual({ ok: true, value: ['memory', 2 ** 36] })
  expect(parseLimit('slots=none')).toEqual({ ok: true, value: ['slots', null] })
  for (const wrong of ['jobs', 'jobs=', 'jobs=-1', 'jobs=5G', 'jobs=1.5', 'cores=4', ''])
    expect(parseLimit(wrong).ok, wrong).toBe(false)
})
