/** Weights: who gets how much of what is given out, by itself and within its group. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { Capacity } from '../../../../scheduler/core/placement/capacity.ts'
import { place } from '../../../../scheduler/core/placement/place.ts'
import { ShapeTable } from '../../../../scheduler/core/placement/shape.ts'
import {
  byStanding,
  ShareTree,
  type Standing,
} from '../../../../scheduler/core/placement/share-tree.ts'
import { Shares } from '../../../../scheduler/core/placement/shares.ts'
import { Waiting } from '../../../../scheduler/core/placement/waiting.ts'
import '../../../support/fixed-seed.ts'

const table = new ShapeTable()
const shapeOf = (owner: string, slots = 1) =>
  table.intern({ owner, queue: 'task', slots, memBytes: 1, where: {}, spread: false })

type Said = { owners?: Record<string, number>; groups?: Record<string, number> }
const members = new Map([
  ['lab', new Set(['ann', 'bob', 'both'])],
  ['shop', new Set(['cat', 'both'])],
])

function sharesOf({ owners = {}, groups = {} }: Said): Shares {
  const tree = new ShareTree(members)
  tree.weights = {
    owners: new Map(Object.entries(owners)),
    groups: new Map(Object.entries(groups)),
  }
  return new Shares(undefined, tree)
}

/** What each of them gets of a node with so many slots, where all have more than enough waiting. */
function split(shares: Shares, slots: number, owners: readonly string[]): Record<string, number> {
  const capacity = new Capacity()
  capacity.setNode({ name: 'n', slots, memBytes: 1e9, labels: {}, closed: null })
  const waiting = new Waiting()
  const rest = { queuePriority: 0, priority: 0, since: 1, count: 1000, avoid: [], never: [] }
  for (const [job, owner] of owners.entries())
    waiting.put(owner, { job, shape: shapeOf(owner), ...rest })
  const got = Object.fromEntries(owners.map((owner) => [owner, 0]))
  for (const { id, count } of place(waiting, capacity, shares, 1e9))
    got[id] = (got[id] ?? 0) + count
  return got
}

test('who weighs three times as much gets three times as much', () => {
  const shares = sharesOf({ owners: { ann: 3 } })
  expect(split(shares, 40, ['ann', 'bob'])).toEqual({ ann: 30, bob: 10 })
})

test('members of a group share what their group gets, each by its weight', () => {
  const shares = sharesOf({ groups: { lab: 2 }, owners: { ann: 3 } })
  expect(split(shares, 60, ['ann', 'bob', 'dan'])).toEqual({ ann: 30, bob: 10, dan: 20 })
  // A group gets no more for having many members.
  const even = sharesOf({ groups: { lab: 1 } })
  expect(split(even, 40, ['ann', 'bob', 'dan'])).toEqual({ ann: 10, bob: 10, dan: 20 })
})

test('what one member has used counts for its group', () => {
  const shares = sharesOf({ groups: { lab: 1 } })
  shares.take(shapeOf('ann'), 10)
  expect(split(shares, 10, ['bob', 'dan'])).toEqual({ bob: 0, dan: 10 })
})

test('who is in several groups stands in the one that weighs most', () => {
  const tree = sharesOf({ groups: { lab: 1, shop: 4 } }).tree
  expect(['both', 'ann', 'cat', 'dan'].map((owner) => tree.groupOf(owner))).toEqual([
    'shop',
    'lab',
    'shop',
    null,
  ])
})

test('another half-life counts from when it was said', () => {
  const shares = new Shares(1_000)
  shares.take(shapeOf('ann'), 8)
  shares.advance(1_000)
  shares.give(shapeOf('ann'), 8)
  expect(shares.average('ann')).toBe(4)
  shares.advance(2_000)
  shares.halfLifeMs = 4_000
  expect(shares.average('ann')).toBe(2)
  shares.advance(6_000)
  expect(shares.average('ann')).toBe(1)
})

const names = ['ann', 'bob', 'cat', 'dan', 'eve'] as const
const weight = fc.integer({ min: 1, max: 4 })
const someone = fc.record({
  waiting: fc.integer({ min: 0, max: 9 }),
  held: fc.integer({ min: 0, max: 6 }),
  slots: fc.integer({ min: 1, max: 2 }),
  weight,
})

test('nobody whose turn it was is passed over, at any step', () => {
  const everybody = fc.tuple(someone, someone, someone, someone, someone)
  const groups = fc.record({ lab: weight, shop: weight }, { requiredKeys: [] })
  const property = fc.property(
    everybody,
    groups,
    fc.integer({ min: 0, max: 30 }),
    (all, said, free) => {
      const people = names.map((owner, nth) => ({ owner, ...(all[nth] ?? all[0]) }))
      const owners = Object.fromEntries(people.map((one) => [one.owner, one.weight]))
      const groupsSaid = Object.fromEntries(
        Object.entries(said).filter(([, one]) => one !== undefined),
      )
      const [fast, slow] = [0, 1].map(() => sharesOf({ owners, groups: groupsSaid })) as [
        Shares,
        Shares,
      ]
      const capacity = new Capacity()
      capacity.setNode({ name: 'n', slots: free, memBytes: 1e9, labels: {}, closed: null })
      const waiting = new Waiting()
      const rest = { queuePriority: 0, priority: 0, since: 1, avoid: [], never: [] }
      for (const [job, { owner, held, slots, waiting: count }] of people.entries()) {
        for (const shares of [fast, slow]) shares.take(shapeOf(owner), held)
        waiting.put(owner, { job, shape: shapeOf(owner, slots), ...rest, count })
      }
      let left = free
      for (const { id, shape, count } of place(waiting, capacity, fast, 1e9))
        for (let nth = 0; nth < count; nth += 1) {
          const sums = slow.ofGroups()
          const turn = (owner: string): Standing => slow.standing(owner, sums)
          const able = people.filter((one) => one.waiting > 0 && one.slots <= left)
          expect(able.filter((one) => byStanding(turn(one.owner), turn(id)) < 0)).toEqual([])
          slow.take(shape)
          left -= shape.slots
          for (const one of people) if (one.owner === id) one.waiting -= 1
        }
      expect(people.filter((one) => one.waiting > 0 && one.slots <= left)).toEqual([])
    },
  )
  fc.assert(property, { numRuns: 500 })
})
