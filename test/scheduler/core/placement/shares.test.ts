/** Fair shares: what is held, what was held, and how it is forgotten. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Shares } from '../../../../scheduler/core/placement/shares.ts'

const hour = 3_600_000
const anna = { owner: 'anna', queue: 'task', slots: 1, memBytes: 0 }

describe('the average', () => {
  test('comes half of the way to what is held in each half-life, and goes the same way', () => {
    const shares = new Shares(hour)
    shares.take(anna, 8)
    expect([shares.of('anna'), shares.average('anna')]).toEqual([8, 0])
    shares.advance(hour)
    expect([shares.of('anna'), shares.average('anna')]).toEqual([12, 4])
    shares.advance(2 * hour)
    expect(shares.average('anna')).toBe(6)
    shares.give(anna, 8)
    expect(shares.of('anna')).toBe(6)
    shares.advance(3 * hour)
    expect(shares.of('anna')).toBe(3)
    expect(shares.of('bert')).toBe(0)
  })

  test('is the same however often it is looked at or changed in between', () => {
    const step = fc.record({ ms: fc.integer({ min: 0, max: hour }), slots: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const [one, other] = [new Shares(hour), new Shares(hour)]
        let now = 0
        let held = 0
        let expected = 0
        for (const { ms, slots } of steps) {
          // The integral, by a recurrence of its own.
          expected = held + (expected - held) * Math.exp((-Math.LN2 * ms) / hour)
          for (const at of [now + ms / 3, now + ms / 2]) {
            other.advance(at)
            other.take(anna)
            other.give(anna)
          }
          now += ms
          for (const shares of [one, other]) {
            shares.advance(now)
            if (slots > held) shares.take(anna, slots - held)
            else if (slots < held) shares.give(anna, held - slots)
          }
          held = slots
        }
        expect(one.average('anna')).toBeCloseTo(expected, 6)
        expect(other.average('anna')).toBeCloseTo(expected, 6)
      }),
    )
  })

  test('does not run backwards with a time that does', () => {
    const shares = new Shares(hour)
    shares.take(anna, 4)
    shares.advance(hour)
    shares.advance(0)
    expect(shares.average('anna')).toBe(2)
  })
})

test('after a restart what was used before counts on, with what ran meanwhile', () => {
  const shares = new Shares(hour)
  shares.advance(10 * hour)
  shares.take(anna, 2)
  shares.restore('anna', 10, hour)
  expect(shares.average('anna')).toBe(6)
  shares.restore('bert', 8, 2 * hour)
  expect(shares.of('bert')).toBe(2)
})

test('what changed is told once; who holds is told each time; what is used up is forgotten', () => {
  const shares = new Shares(hour)
  shares.take(anna, 4)
  shares.advance(hour)
  expect(shares.takeChanged()).toEqual([{ owner: 'anna', average: 2 }])
  expect(shares.takeChanged()).toHaveLength(1)
  shares.give(anna, 4)
  expect(shares.takeChanged()).toEqual([{ owner: 'anna', average: 2 }])
  // It only goes down from here, as a restart would work out by itself.
  expect(shares.takeChanged()).toEqual([])
  shares.advance(30 * hour)
  expect(shares.takeChanged()).toEqual([{ owner: 'anna', average: 0 }])
  expect([...shares.owners()]).toEqual([])
})
