import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { RequestRates } from '../../../scheduler/core/rate.ts'

test('a minute’s requests may come at once, then as fast as they are forgotten', () => {
  const rates = new RequestRates()
  for (let nth = 0; nth < 60; nth++) expect(rates.take('anna', 60, 0)).toBeNull()
  expect(rates.take('anna', 60, 0)).toBe(1000)
  expect(rates.take('anna', 60, 400)).toBe(600)
  expect(rates.take('bert', 60, 400)).toBeNull()
  expect(rates.take('anna', 60, 1000)).toBeNull()
  expect(rates.take('anna', 60, 1000)).toBe(1000)
  expect(rates.taken('anna', 60, 61_000)).toBe(0)
})

test('no limit counts nothing, a limit of none lets nothing through', () => {
  const rates = new RequestRates()
  for (let nth = 0; nth < 1000; nth++) expect(rates.take('anna', null, 0)).toBeNull()
  expect(rates.take('anna', 0, 0)).toBe(60_000)
})

test('never more than two minutes’ worth in any minute, and who waits as told is let in', () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), pauses, (perMinute, gaps) => {
      const rates = new RequestRates()
      const letIn: number[] = []
      let now = 0
      for (const gap of gaps) {
        now += gap
        const wait = rates.take('anna', perMinute, now)
        if (wait !== null) {
          expect(rates.take('anna', perMinute, now + wait)).toBeNull()
          now += wait
        }
        letIn.push(now)
        const lately = letIn.filter((at) => at > now - 60_000)
        expect(lately.length).toBeLessThanOrEqual(2 * perMinute)
      }
    }),
  )
})
