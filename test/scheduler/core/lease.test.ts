import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { LeaseTerms } from '../../../proto/sync.ts'
import {
  afterGrant,
  afterReport,
  bootProves,
  defaultLease,
  judgeLease,
  termsFor,
  type LeaseFacts,
  type Outstanding,
} from '../../../scheduler/core/lease.ts'

const long = defaultLease.terms
const short: LeaseTerms = { termMs: 1000, killMs: 2000, endMs: 3000 }
const facts: LeaseFacts = {
  heardAt: 1000,
  outstanding: { kind: 'until', endMs: 300_000 },
  settings: defaultLease,
  judgingSince: 0,
  suspended: false,
}

describe('judging', () => {
  const table: [string, Partial<LeaseFacts>, number, string][] = [
    ['heard just now', {}, 20_999, 'up'],
    ['silent', {}, 21_000, 'silent'],
    ['not yet over at the very end', {}, 301_000, 'silent'],
    ['over', {}, 301_001, 'over'],
    ['judged from when judging began', { judgingSince: 200_000 }, 301_001, 'silent'],
    ['never heard', { heardAt: null, judgingSince: 5000 }, 305_001, 'over'],
    ['endless', { outstanding: { kind: 'endless' } }, 10 ** 9, 'silent'],
    ['not to be judged', { suspended: true }, 10 ** 9, 'silent'],
    ['never granted anything', { outstanding: { kind: 'none' } }, 301_001, 'over'],
  ]
  test.each(table)('%s', (_, more, uptime, verdict) => {
    expect(judgeLease({ ...facts, ...more }, uptime)).toBe(verdict)
  })
})

test('terms have an end only where another node could take over', () => {
  expect(termsFor(1, defaultLease)).toBe(null)
  expect(termsFor(2, defaultLease)).toBe(long)
})

test('a boot proves when it is another one of the same machine, within the silence', () => {
  const before = { bootId: 'a', machineId: 'm' }
  expect(bootProves(before, { bootId: 'b', machineId: 'm', uptimeMs: 5000 }, 6000)).toBe(true)
  expect(bootProves(before, { bootId: 'a', machineId: 'm', uptimeMs: 5000 }, 6000)).toBe(false)
  expect(bootProves(before, { bootId: 'b', machineId: 'x', uptimeMs: 5000 }, 6000)).toBe(false)
  expect(bootProves(before, { bootId: 'b', machineId: 'm', uptimeMs: 9000 }, 6000)).toBe(false)
})

const lengthOf = (one: Outstanding): number =>
  one.kind === 'endless' ? Infinity : one.kind === 'none' ? 0 : one.endMs

/** Answers get lost, and the agent sometimes dies between writing a lease and remembering it: then the next answer arrives. */
test('whatever is lost on the way, what is outstanding covers what is in force on the node', () => {
  const anyTerms = fc.constantFrom(long, short, null)
  const step = fc.record({
    terms: anyTerms,
    arrives: fc.boolean(),
    answered: fc.boolean(),
    dies: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let outstanding: Outstanding = { kind: 'none' }
      let said: LeaseTerms | null | 'none' = 'none'
      let inForce = 0
      let isFirstOfSession = true
      let afterDeath = false
      for (const { terms, arrives, answered, dies } of steps) {
        if (arrives) {
          const held = said === 'none' ? null : said
          const report = {
            terms: held,
            isFirstOfSession,
            holdsNone: said === 'none' && outstanding.kind === 'none',
          }
          outstanding = afterGrant(afterReport(outstanding, report), terms)
          isFirstOfSession = false
          if (answered || afterDeath) {
            inForce = terms?.endMs ?? Infinity
            if (!dies) said = terms
          }
        }
        if (dies) isFirstOfSession = true
        if (dies || arrives) afterDeath = dies
        expect(lengthOf(outstanding)).toBeGreaterThanOrEqual(inForce)
      }
    }),
    { numRuns: 3_000 },
  )
})
