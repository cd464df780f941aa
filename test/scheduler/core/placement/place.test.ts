/** Placement: tables for each rule, and properties against the slow reference. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Capacity } from '../../../../scheduler/core/placement/capacity.ts'
import { place, placeCanary, type Placed } from '../../../../scheduler/core/placement/place.ts'
import {
  amountIn,
  type Asks,
  type Resources,
  type ResourceTotals,
} from '../../../../scheduler/core/placement/resources.ts'
import { ShapeTable, type ShapeParts } from '../../../../scheduler/core/placement/shape.ts'
import { Shares } from '../../../../scheduler/core/placement/shares.ts'
import { Waiting, type WaitingEntry } from '../../../../scheduler/core/placement/waiting.ts'
import { placeSlowly, type Entries } from './reference.ts'

const mib = 2 ** 20
const table = new ShapeTable()
const shape = (parts: Partial<ShapeParts> = {}) =>
  table.intern({
    owner: 'ann',
    queue: 'default',
    slots: 1,
    memBytes: 100 * mib,
    where: {},
    spread: false,
    ...parts,
  })

let lastJob = 0
const entry = (parts: Partial<WaitingEntry> & { shape: WaitingEntry['shape'] }): WaitingEntry => ({
  job: ++lastJob,
  queuePriority: 0,
  priority: 0,
  since: lastJob,
  count: 1,
  avoid: [],
  never: [],
  ...parts,
})

function grid(
  nodes: Record<string, Partial<Parameters<Capacity['setNode']>[0]>>,
  entries: Record<string, WaitingEntry> = {},
) {
  const capacity = new Capacity()
  for (const [name, offer] of Object.entries(nodes)) {
    capacity.setNode({ name, slots: 4, memBytes: 4096 * mib, labels: {}, closed: null, ...offer })
  }
  const waiting = new Waiting()
  for (const [id, one] of Object.entries(entries)) waiting.put(id, one)
  return { capacity, waiting, shares: new Shares() }
}

const run = ({ waiting, capacity, shares }: ReturnType<typeof grid>, limit = 1e9) =>
  place(waiting, capacity, shares, limit)
const told = (placed: Placed[]): string[] =>
  placed.map(({ id, node, count }) => `${id}:${node}x${count}`)

describe('order', () => {
  test('queue priority goes before fair share, share before job priority, priority before age', () => {
    const one = grid(
      { n: { slots: 1 } },
      {
        young: entry({ shape: shape(), since: 9 }),
        old: entry({ shape: shape(), since: 1 }),
        eager: entry({ shape: shape(), since: 9, priority: 5 }),
        poor: entry({ shape: shape({ owner: 'bob' }), since: 20 }),
        express: entry({ shape: shape({ queue: 'express' }), queuePriority: 3, since: 30 }),
      },
    )
    one.shares.take({ owner: 'ann', queue: 'default', slots: 1, memBytes: 0 })
    const order: string[] = []
    for (let placed = run(one); placed.length > 0; placed = run(one)) {
      for (const { id, node, shape } of placed) {
        order.push(id)
        one.capacity.give(node, shape)
        one.shares.give(shape)
      }
    }
    expect(order).toEqual(['express', 'poor', 'eager', 'old', 'young'])
  })

  test("100,000 tasks of one owner do not hold up another's single one", () => {
    const one = grid(
      { n: { slots: 4 } },
      {
        many: entry({ shape: shape(), count: 100_000 }),
        single: entry({ shape: shape({ owner: 'bob' }) }),
      },
    )
    expect(told(run(one))).toEqual(['many:nx1', 'single:nx1', 'many:nx2'])
    one.waiting.put('later', entry({ shape: shape({ owner: 'cat' }) }))
    one.capacity.give('n', shape())
    one.shares.give({ owner: 'ann', queue: 'default', slots: 1, memBytes: 0 })
    expect(told(run(one))).toEqual(['later:nx1'])
  })

  test('an owner at its bound leaves the room to others, and smaller tasks of its own still fit', () => {
    const one = grid(
      { n: { slots: 8 } },
      {
        wide: entry({ shape: shape({ slots: 2 }), count: 9 }),
        thin: entry({ shape: shape(), count: 9 }),
        other: entry({ shape: shape({ owner: 'bob' }), count: 2 }),
      },
    )
    const bounds = {
      owner: (owner: string) => ({ slots: owner === 'ann' ? 3 : 99, memBytes: Infinity }),
      queue: () => Infinity,
    }
    const placed = place(one.waiting, one.capacity, one.shares, 1e9, bounds)
    const count = (id: string) =>
      placed.filter((each) => each.id === id).reduce((sum, each) => sum + each.count, 0)
    expect([count('wide'), count('thin'), count('other')]).toEqual([1, 1, 2])
    expect(place(one.waiting, one.capacity, one.shares, 1e9, bounds)).toEqual([])
    expect(placeCanary(one.waiting, one.capacity, one.shares, 'n', bounds)).toBeNull()
    const byMemory = { ...bounds, owner: () => ({ slots: Infinity, memBytes: 350 * mib }) }
    expect(told(place(one.waiting, one.capacity, one.shares, 1e9, byMemory))).toEqual(['wide:nx1'])
  })

  test('a queue at its bound waits, whoever owns its tasks; other queues go on', () => {
    const one = grid(
      { n: { slots: 8 } },
      {
        ann: entry({ shape: shape({ queue: 'small' }), queuePriority: 1, count: 9 }),
        bob: entry({ shape: shape({ queue: 'small', owner: 'bob' }), queuePriority: 1, count: 9 }),
        rest: entry({ shape: shape({ owner: 'cat' }), count: 2 }),
      },
    )
    const unbounded = { slots: Infinity, memBytes: Infinity }
    const queue = (name: string) => (name === 'small' ? 3 : Infinity)
    const bounds = { owner: () => unbounded, queue }
    const placed = place(one.waiting, one.capacity, one.shares, 1e9, bounds)
    expect(placed.reduce((sum, { count }) => sum + count, 0)).toBe(5)
    expect([one.shares.queueSlots('small'), one.shares.held('cat').slots]).toEqual([3, 2])
    expect(placeCanary(one.waiting, one.capacity, one.shares, 'n', bounds)).toBeNull()
    one.capacity.give('n', shape({ queue: 'small' }))
    one.shares.give(shape({ queue: 'small' }))
    expect(place(one.waiting, one.capacity, one.shares, 1e9, bounds)).toHaveLength(1)
  })

  test('what does not fit holds up nobody', () => {
    const one = grid(
      { n: {} },
      { wide: entry({ shape: shape({ slots: 8 }) }), thin: entry({ shape: shape() }) },
    )
    expect(told(run(one))).toEqual(['thin:nx1'])
    expect(one.waiting.size).toBe(1)
  })

  test('ahead counts own earlier tasks and what others may start until they hold as much', () => {
    const one = grid(
      {},
      {
        first: entry({ shape: shape(), count: 3 }),
        mine: entry({ shape: shape() }),
        other: entry({ shape: shape({ owner: 'bob' }), count: 1000 }),
        express: entry({ shape: shape({ queue: 'x', owner: 'cat' }), queuePriority: 1, count: 7 }),
      },
    )
    expect(one.waiting.ahead('mine', one.shares)).toBe(3 + 3 + 7)
    // Those who may take only so much more.
    const left = (bob: number, cat: number) => (owner: string) => (owner === 'bob' ? bob : cat)
    expect(one.waiting.ahead('mine', one.shares, left(1, 2))).toBe(3 + 1 + 2)
    expect(one.waiting.ahead('mine', one.shares, left(-5, 0))).toBe(3)
    expect(one.waiting.ahead('express', one.shares)).toBe(0)
    expect(one.waiting.ahead('none', one.shares)).toBeNull()
  })
})

describe('where', () => {
  test('one-offs are packed on the fullest node that fits', () => {
    const one = grid({ a: {}, b: {}, c: {} }, { x: entry({ shape: shape({ slots: 2 }) }) })
    one.capacity.take('a', shape({ slots: 3 }))
    one.capacity.take('b', shape({ slots: 1 }))
    expect(told(run(one))).toEqual(['x:bx1'])
  })

  test("an owner's continuous jobs are spread, and go to the freest node first", () => {
    const bot = shape({ spread: true })
    const one = grid({ a: {}, b: { slots: 9 }, c: {} }, { x: entry({ shape: bot, count: 4 }) })
    one.capacity.take('c', shape({ owner: 'bob', spread: true }))
    expect(told(run(one))).toEqual(['x:bx1', 'x:ax1', 'x:cx1', 'x:bx1'])
  })

  test('avoided nodes are a last resort, never is never', () => {
    const one = grid(
      { a: { slots: 1 }, b: { slots: 1 } },
      { x: entry({ shape: shape(), count: 2, avoid: ['a'] }) },
    )
    expect(told(run(one))).toEqual(['x:bx1', 'x:ax1'])
    const two = grid({ a: {} }, { x: entry({ shape: shape(), never: ['a'] }) })
    two.waiting.put('y', entry({ shape: shape() }))
    expect(told(run(two))).toEqual(['y:ax1'])
    expect(run(two)).toEqual([])
  })

  test('labels, memory and closed nodes', () => {
    const one = grid(
      {
        shut: { closed: 'cordoned by ann: disk', labels: { zone: 'a' } },
        small: { memBytes: 10 * mib, labels: { zone: 'a' } },
        other: { labels: { zone: 'b' } },
        good: { labels: { zone: 'a', disk: 'ssd' } },
      },
      { x: entry({ shape: shape({ where: { zone: 'a' } }), count: 9 }) },
    )
    expect(told(run(one))).toEqual(['x:goodx4'])
    one.capacity.setNode({
      name: 'shut',
      slots: 2,
      memBytes: 4096 * mib,
      labels: { zone: 'a' },
      closed: null,
    })
    expect(told(run(one))).toEqual(['x:shutx2'])
  })

  test('limit bounds the tasks of one tick', () => {
    const one = grid({ n: {} }, { x: entry({ shape: shape(), count: 9 }) })
    expect(told(run(one, 3))).toEqual(['x:nx3'])
    expect(one.waiting.count('x')).toBe(6)
  })
})

const nodeNames = ['n1', 'n2', 'n3', 'n4']
const resourceNames = ['gpu', 'lic'] as const
const someAsks = fc.constantFrom<Asks>(
  [['lic', 1]],
  [['lic', 3]],
  [['gpu', 2]],
  [
    ['gpu', 1],
    ['lic', 1],
  ],
)
const arbitraryTotals = fc.record({
  total: fc.option(fc.integer({ min: 0, max: 6 }), { freq: 3 }),
  nodes: fc
    .dictionary(fc.constantFrom(...nodeNames), fc.integer({ min: 0, max: 4 }), { maxKeys: 3 })
    .map((nodes) => new Map(Object.entries(nodes))),
})
const arbitraryShape = fc
  .record({
    owner: fc.constantFrom('ann', 'bob', 'cat'),
    queue: fc.constant('default'),
    slots: fc.integer({ min: 1, max: 4 }),
    memBytes: fc.integer({ min: 1, max: 4 }).map((n) => n * mib),
    where: fc.constantFrom<Record<string, string>>({}, { zone: 'a' }, { zone: 'b', disk: 'ssd' }),
    spread: fc.boolean(),
    resources: fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, someAsks),
  })
  .map((parts) => table.intern(parts))
const someNodes = fc.uniqueArray(fc.constantFrom(...nodeNames), { maxLength: 2 })
const arbitraryEntry = fc.record<WaitingEntry>({
  job: fc.integer({ min: 1, max: 9 }),
  shape: arbitraryShape,
  queuePriority: fc.integer({ min: 0, max: 1 }),
  priority: fc.integer({ min: -1, max: 1 }),
  since: fc.integer({ min: 0, max: 5 }),
  count: fc.integer({ min: 0, max: 5 }),
  avoid: someNodes,
  never: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: someNodes }),
})
const arbitraryOffer = fc.record({
  name: fc.constantFrom(...nodeNames),
  slots: fc.integer({ min: 0, max: 8 }),
  memBytes: fc.integer({ min: 0, max: 8 }).map((n) => n * mib),
  labels: fc.constantFrom<Record<string, string>>(
    {},
    { zone: 'a' },
    { zone: 'b', disk: 'ssd', host: 'x' },
  ),
  closed: fc.option(fc.constant('cordoned'), { freq: 5 }),
})
type Step =
  | { do: 'offer'; offer: Parameters<Capacity['setNode']>[0] }
  | { do: 'remove'; name: string }
  | { do: 'define'; resource: string; totals: ResourceTotals }
  | { do: 'put'; id: string; entry: WaitingEntry }
  | { do: 'drop'; id: string }
  | { do: 'tick'; limit: number }
  | { do: 'end'; nth: number }
const ids = fc.integer({ min: 1, max: 12 }).map((n) => `${n}.${n}`)
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('offer' as const), offer: arbitraryOffer }),
  fc.record({ do: fc.constant('remove' as const), name: fc.constantFrom(...nodeNames) }),
  fc.record({
    do: fc.constant('define' as const),
    resource: fc.constantFrom(...resourceNames),
    totals: arbitraryTotals,
  }),
  fc.record({ do: fc.constant('put' as const), id: ids, entry: arbitraryEntry }),
  fc.record({ do: fc.constant('put' as const), id: ids, entry: arbitraryEntry }),
  fc.record({ do: fc.constant('drop' as const), id: ids }),
  fc.record({ do: fc.constant('tick' as const), limit: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant('end' as const), nth: fc.nat(50) }),
)

const sum = (of: Placed[], each: (one: Placed) => number): number =>
  of.reduce((total, one) => total + each(one), 0)

const takenOf = (resources: Resources, name: string): number[] => [
  resources.takenInGrid(name),
  ...nodeNames.map((node) => resources.takenOn(name, node)),
]

/** A grid and its twin that is placed by the reference: both see the same steps. */
class Twins {
  readonly fast = { capacity: new Capacity(), shares: new Shares(), waiting: new Waiting() }
  readonly slow = { capacity: new Capacity(), shares: new Shares(), entries: new Map() as Entries }
  readonly live: Placed[] = []

  /** What a tick placed, and what the reference placed. */
  step(step: Step): { got: string[]; expected: string[] } | null {
    const { fast, slow } = this
    const both = [fast, slow]
    if (step.do === 'offer') for (const { capacity } of both) capacity.setNode(step.offer)
    if (step.do === 'remove') for (const { capacity } of both) capacity.removeNode(step.name)
    if (step.do === 'define')
      for (const { capacity } of both) capacity.resources.define(step.resource, step.totals)
    if (step.do === 'put') {
      fast.waiting.put(step.id, step.entry)
      slow.entries.set(step.id, step.entry)
    }
    if (step.do === 'drop') {
      fast.waiting.drop(step.id)
      slow.entries.delete(step.id)
    }
    if (step.do === 'tick') {
      const placed = place(fast.waiting, fast.capacity, fast.shares, step.limit)
      const expected = placeSlowly(slow.entries, slow.capacity, slow.shares, step.limit)
      const singly = placed.flatMap((one) =>
        Array.from({ length: one.count }, () => ({ ...one, count: 1 })),
      )
      this.live.push(...singly)
      return { got: told(singly), expected: told(expected) }
    }
    if (step.do === 'end') {
      const [ended] = this.live.splice(step.nth % Math.max(1, this.live.length), 1)
      if (ended === undefined) return null
      for (const { capacity, shares } of both) {
        capacity.give(ended.node, ended.shape)
        shares.give(ended.shape)
      }
    }
    return null
  }

  /** What the fast side has on its books, and what follows from the tasks that live. */
  books(): { kept: unknown[]; expected: unknown[] } {
    const nodes = [...this.fast.capacity.nodes()].map(({ name }) => name)
    const counts = [...this.slow.entries].map(([id, { count }]) => ({ id, count }))
    const owners = ['ann', 'bob', 'cat']
    return {
      kept: [
        nodes.map((node) => this.fast.capacity.used(node)),
        counts.map(({ id }) => ({ id, count: this.fast.waiting.count(id) })),
        owners.map((owner) => this.fast.shares.of(owner)),
        resourceNames.map((name) => takenOf(this.fast.capacity.resources, name)),
      ],
      expected: [
        nodes.map((node) => {
          const own = this.live.filter((one) => one.node === node)
          return {
            slots: sum(own, (one) => one.shape.slots),
            memBytes: sum(own, (one) => one.shape.memBytes),
            tasks: own.length,
            reserved: 0,
          }
        }),
        counts,
        owners.map((owner) =>
          sum(
            this.live.filter((one) => one.shape.owner === owner),
            (one) => one.shape.slots,
          ),
        ),
        resourceNames.map((name) => {
          const on = (node: string) =>
            sum(
              this.live.filter((one) => one.node === node),
              (one) => amountIn(one.shape.resources, name),
            )
          return [
            sum(this.live, (one) => amountIn(one.shape.resources, name)),
            ...nodeNames.map(on),
          ]
        }),
      ],
    }
  }
}

describe('properties', () => {
  test('places as the slow reference does, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 60 }), (steps) => {
        const twins = new Twins()
        for (const step of steps) {
          const tick = twins.step(step)
          expect(tick?.got).toEqual(tick?.expected)
          const { kept, expected } = twins.books()
          expect(kept).toEqual(expected)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('never over capacity, and after a tick nothing that waits would fit', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryOffer, { minLength: 1, maxLength: 4 }),
        fc.array(arbitraryEntry, { maxLength: 20 }),
        fc.tuple(arbitraryTotals, arbitraryTotals),
        (offers, entries, totals) => {
          const { capacity, waiting, shares } = grid({})
          const { resources } = capacity
          for (const [at, name] of resourceNames.entries())
            resources.define(name, totals[at] ?? { total: 0, nodes: new Map() })
          for (const offer of offers) capacity.setNode(offer)
          for (const [i, one] of entries.entries()) waiting.put(String(i), { ...one, never: [] })
          place(waiting, capacity, shares, 1e9)
          for (const node of capacity.nodes()) {
            expect(node.freeSlots).toBeGreaterThanOrEqual(0)
            expect(node.freeMem).toBeGreaterThanOrEqual(0)
            for (const name of resourceNames)
              expect(resources.freeOn(name, node.name)).toBeGreaterThanOrEqual(0)
          }
          for (const name of resourceNames)
            expect(resources.freeInGrid(name)).toBeGreaterThanOrEqual(0)
          for (const waitingShape of waiting.requests()) {
            expect(capacity.fits(waitingShape)).toBe(false)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a newcomer gets the next free slot from those who hold more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), (rich) => {
        const one = grid({ n: { slots: rich * 2 } })
        for (let i = 0; i < rich; i++) {
          const owner = `rich${i}`
          one.waiting.put(owner, entry({ shape: shape({ owner }), count: 1000, priority: 9 }))
        }
        const placed = run(one)
        one.waiting.put('new', entry({ shape: shape({ owner: 'new' }) }))
        const [first] = placed
        if (first === undefined) throw new Error('nothing was placed')
        one.capacity.give('n', first.shape)
        one.shares.give({ ...first.shape, slots: 1 })
        expect(told(run(one))).toEqual(['new:nx1'])
      }),
    )
  })
})

test('reservations hold a place by name, and release it once', () => {
  const { capacity } = grid({ a: {}, b: {} })
  capacity.reserve('7.1', 'a', shape({ slots: 3 }))
  expect(capacity.used('a')).toEqual({ slots: 3, memBytes: 100 * mib, tasks: 0, reserved: 1 })
  capacity.reserve('7.1', 'b', shape({ slots: 3 }))
  expect(capacity.used('a').slots).toBe(0)
  expect(capacity.reservation('7.1')?.node).toBe('b')
  capacity.release('7.1')
  capacity.release('7.1')
  expect(capacity.used('b')).toEqual({ slots: 0, memBytes: 0, tasks: 0, reserved: 0 })
})

test('a canary is the first waiting task that fits the closed node, and only one', () => {
  const one = grid(
    { shut: { closed: 'quarantined' } },
    {
      wide: entry({ shape: shape({ slots: 9 }), priority: 9 }),
      failed: entry({ shape: shape({ owner: 'bob' }), avoid: ['shut'], priority: 8 }),
      rich: entry({ shape: shape({ owner: 'cat' }), priority: 7 }),
      good: entry({ shape: shape(), count: 5 }),
    },
  )
  one.shares.take({ owner: 'cat', queue: 'default', slots: 1, memBytes: 0 })
  const { waiting, capacity, shares } = one
  expect(placeCanary(waiting, capacity, shares, 'shut')).toMatchObject({ id: 'good', count: 1 })
  expect(waiting.count('good')).toBe(4)
  expect(capacity.used('shut').tasks).toBe(1)
  expect(run(one)).toEqual([])
  expect(placeCanary(waiting, capacity, shares, 'nowhere')).toBeNull()
})
