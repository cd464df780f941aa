import fc from 'fast-check'
import { expect, test } from 'vitest'

import { IndexRanges } from '../../../scheduler/state/index-ranges.ts'

test('ranges behave as a set of the indexes on their step', () => {
  const start = fc.record({
    from: fc.integer({ min: 1, max: 9 }),
    count: fc.integer({ min: 1, max: 40 }),
    step: fc.integer({ min: 1, max: 5 }),
  })
  const act = fc.oneof(fc.constant('first' as const), fc.integer({ min: 0, max: 220 }))
  fc.assert(
    fc.property(start, fc.array(act, { maxLength: 80 }), ({ from, count, step }, acts) => {
      const to = from + (count - 1) * step
      let ranges = new IndexRanges([[from, to]], step)
      const take = (index: number) => {
        const before = ranges
        ranges = before.without(index)
        return ranges !== before
      }
      const set = new Set(Array.from({ length: count }, (_, nth) => from + nth * step))
      for (const one of acts) {
        if (one === 'first') {
          const lowest = [...set].sort((a, b) => a - b)[0] ?? null
          expect(ranges.stretches[0]?.[0] ?? null).toBe(lowest)
          if (lowest !== null) expect(take(lowest)).toBe(set.delete(lowest))
        } else if (typeof one === 'number') {
          expect(ranges.has(one)).toBe(set.has(one))
          expect(take(one)).toBe(set.delete(one))
        }
        expect(ranges.count).toBe(set.size)
        const all = ranges.stretches.flatMap(([low, high]) =>
          Array.from({ length: (high - low) / step + 1 }, (_, nth) => low + nth * step),
        )
        expect(all).toEqual([...set].sort((a, b) => a - b))
        const again = new IndexRanges(ranges.stretches, step)
        expect(again.count).toBe(set.size)
      }
    }),
  )
})

test('the end of a range need not be on its step', () => {
  const ranges = new IndexRanges([[1, 10]], 4)
  expect([ranges.count, ranges.has(9), ranges.has(10)]).toEqual([3, true, false])
  expect([1, 5, 9, 13].map((index) => ranges.without(index).count)).toEqual([2, 2, 2, 3])
})
