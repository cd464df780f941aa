import { expect, test } from 'vitest'

import { defaultBreaker } from '../../scheduler/core/breaker.ts'
import { defaultLease } from '../../scheduler/core/lease.ts'
import { builtInLimits, noLimits } from '../../scheduler/core/quota.ts'
import {
  breakerFromEnvironment,
  leaseFromEnvironment,
  halfLifeFromEnvironment,
  ownerRule,
  quotaFromEnvironment,
  requestQueueFromEnvironment,
} from '../../scheduler/settings.ts'

test('without a word of the environment the lease is the usual one', () => {
  for (const said of [undefined, '']) expect(leaseFromEnvironment(said)).toBe(defaultLease)
})

test('four rising numbers of seconds make a lease', () => {
  expect(leaseFromEnvironment('2,4,5,6.5')).toEqual({
    ...defaultLease,
    // Several reports before a node is called silent.
    reportEveryMs: 500,
    silentAfterMs: 2000,
    terms: { termMs: 4000, killMs: 5000, endMs: 6500 },
  })
})

test.each(['20', '20,240,270', '20,240,240,300', '4,3,2,1', '0,2,3,4', 'a,b,c,d', '2,4,5,5.5'])(
  '%s is no lease: a node could be replaced before it has stopped',
  (said) => {
    expect(() => leaseFromEnvironment(said)).toThrow('four rising numbers')
  },
)

test('the pause before a quarantined node is tried is a minute, or what the environment says', () => {
  for (const said of [undefined, '']) expect(breakerFromEnvironment(said)).toBe(defaultBreaker)
  expect(breakerFromEnvironment('2.5')).toEqual({ ...defaultBreaker, firstPauseMs: 2_500 })
  for (const said of ['0', '-1', 'soon', '3601'])
    expect(() => breakerFromEnvironment(said)).toThrow('write seconds')
})

test('a private grid runs the jobs of its own account only', () => {
  const refuse = ownerRule({ self: 'ada', isRoot: false, allowRootJobs: true })
  expect(refuse('ada')).toBeNull()
  expect(refuse('root')?.detail).toContain('private to ada')
})

test('a grid of root refuses root and system accounts until it is told otherwise', () => {
  const refuse = ownerRule({ self: 'root', isRoot: true, allowRootJobs: false })
  expect(refuse('root')?.hint).toContain('--allow-root-jobs')
  expect(refuse('daemon')?.detail).toContain('a system account')
  expect(refuse('somebody-of-ldap')).toBeNull()
  expect(ownerRule({ self: 'root', isRoot: true, allowRootJobs: true })('root')).toBeNull()
})

test('limits of the environment replace those that are built in', () => {
  expect(quotaFromEnvironment(undefined, 'root')('ada')).toEqual(builtInLimits)
  const limits = quotaFromEnvironment('jobs=5,memory=64G,requests=none', 'root')
  expect(limits('ada')).toEqual({ ...builtInLimits, jobs: 5, memory: 2 ** 36, requests: null })
  expect(() => quotaFromEnvironment('cores=4', 'root')).toThrow(
    'EVERGRID_QUOTA: "cores=4" is not LIMIT',
  )
})

test('what is built in does not bind the account whose grid it is; what the environment says does', () => {
  expect(quotaFromEnvironment(undefined, 'root')('root')).toEqual(noLimits)
  expect(quotaFromEnvironment('jobs=5', 'ada')('ada')).toEqual({ ...noLimits, jobs: 5 })
})

test('the half-life of shares is a duration', () => {
  expect(halfLifeFromEnvironment('')).toBe(86_400_000)
  expect(halfLifeFromEnvironment('12h')).toBe(43_200_000)
  for (const wrong of ['soon', '0s', '-1h'])
    expect(() => halfLifeFromEnvironment(wrong)).toThrow('EVERGRID_SHARE_HALF_LIFE')
})

test('the request queue is a number', () => {
  expect(requestQueueFromEnvironment('')).toBeUndefined()
  expect(requestQueueFromEnvironment('250')).toBe(250)
  for (const wrong of ['0', '-1', 'many', '1e9'])
    expect(() => requestQueueFromEnvironment(wrong)).toThrow('EVERGRID_REQUEST_QUEUE')
})
