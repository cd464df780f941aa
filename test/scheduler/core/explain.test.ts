/** What people are told about a task that waits: each constraint counted, and the smallest change that helps. */
import { describe, expect, test } from 'vitest'

import { canEverRun, explainWaiting, type WaitContext } from '../../../scheduler/core/explain.ts'
import { Capacity, type NodeOffer } from '../../../scheduler/core/placement/capacity.ts'
import { ShapeTable, type ShapeParts } from '../../../scheduler/core/placement/shape.ts'

const gib = 2 ** 30
const shape = (parts: Partial<ShapeParts> = {}) =>
  new ShapeTable().intern({
    owner: 'ann',
    queue: 'default',
    slots: 8,
    memBytes: 2 * gib,
    where: {},
    spread: false,
    ...parts,
  })

function grid(nodes: Record<string, Partial<NodeOffer>>): Capacity {
  const capacity = new Capacity()
  for (const [name, offer] of Object.entries(nodes)) {
    capacity.setNode({ name, slots: 16, memBytes: 64 * gib, labels: {}, closed: null, ...offer })
  }
  return capacity
}

const context = (parts: Partial<WaitContext> = {}): WaitContext => ({
  blockedBy: [],
  avoid: [],
  never: [],
  ahead: null,
  ...parts,
})

describe('explainWaiting', () => {
  test('counts every constraint over the nodes, and sums up', () => {
    const capacity = grid({
      tiny: { slots: 4 },
      lean: { memBytes: gib },
      shut1: { closed: 'cordoned by bob: disk' },
      shut2: { closed: 'cordoned by bob: disk' },
      gone: { closed: 'is silent' },
      other: { labels: { zone: 'b' } },
      busy: {},
      full: {},
    })
    for (const name of ['tiny', 'lean', 'shut1', 'shut2', 'gone', 'busy', 'full']) {
      const offer = capacity.node(name)
      if (offer) capacity.setNode({ ...offer, labels: { zone: 'a' } })
    }
    capacity.take('busy', shape({ slots: 10 }))
    capacity.take('full', shape({ slots: 1, memBytes: 63 * gib }))
    const told = explainWaiting(shape({ where: { zone: 'a' } }), capacity, context({ ahead: 12 }))
    expect(told.summary).toBe('waits: none of 8 nodes has room for it now')
    expect(told.reasons.map(({ code, nodes, detail }) => `${code} ${nodes}: ${detail}`)).toEqual([
      'label 1: 1 node (other) without zone=a',
      'slots 1: 1 node (tiny) too small for 8 slots: the largest, tiny, has 4 in all',
      'memory 1: 1 node (lean) too small for 2G: the largest, lean, has 1G in all',
      'closed 2: shut1, shut2 take no new work: cordoned by bob: disk',
      'closed 1: gone takes no new work: is silent',
      'slots-now 1: 1 node (busy) without 8 slots free now: busy has most, 6',
      'memory-now 1: 1 node (full) without 2G of memory free now: full has most, 1G',
    ])
    expect(told.wayOut).toBe(
      'wait for 1G more memory on full, or ask for 6 slots instead of 8: busy has 6 free',
    )
    expect(told.ahead).toBe(12)
  })

  test('advises a smaller size that does fit, rounded down', () => {
    const capacity = grid({ node2: {} })
    capacity.take('node2', shape({ slots: 1, memBytes: 62.05 * gib }))
    const told = explainWaiting(shape(), capacity, context())
    expect(told.wayOut).toBe(
      'wait for 51.2M more memory on node2, or ask for 1.9G instead of 2G: node2 has 1.9G free',
    )
  })

  test('what holds it back before the nodes comes first, and with its own way out', () => {
    const blockedBy = [
      { code: 'held', detail: 'held by ann', wayOut: 'eg release 7' },
      { code: 'after', detail: 'waits for job 3', wayOut: null },
    ]
    const told = explainWaiting(shape(), grid({ a: {} }), context({ blockedBy }))
    expect(told.summary).toBe('waits: held by ann')
    expect(told.wayOut).toBe('eg release 7')
    expect(told.reasons.map(({ code }) => code)).toEqual(['held', 'after'])
  })

  test('room, avoided nodes, its turn, an empty grid, and closed nodes only', () => {
    const some = explainWaiting(shape(), grid({ a: {} }), context({ avoid: ['a'], ahead: 3 }))
    expect(some.reasons.map(({ code }) => code)).toEqual(['avoided', 'in-turn'])
    expect(some.reasons[1]?.detail).toBe('1 node (a) with room: 3 waiting tasks go before it')
    expect(some.wayOut).toBeNull()
    expect(explainWaiting(shape(), grid({}), context()).summary).toBe(
      'waits: the grid has no nodes yet',
    )
    const closed = grid({ a: { closed: 'cordoned by bob' }, b: { slots: 1, closed: 'is lost' } })
    expect(explainWaiting(shape(), closed, context()).wayOut).toBe(
      'wait until a takes new work again',
    )
    const excluded = explainWaiting(shape(), grid({ a: {} }), context({ never: ['a'] }))
    expect(excluded.reasons.map(({ code }) => code)).toEqual(['excluded'])
  })
})

describe('canEverRun', () => {
  test('an empty grid, closed nodes and busy nodes are no refusal', () => {
    expect(canEverRun(shape(), grid({}))).toEqual({
      ok: true,
      warning: 'the grid has no nodes yet: the job waits until one joins',
    })
    expect(canEverRun(shape(), grid({ a: { closed: 'is silent' } }))).toEqual({
      ok: true,
      warning: 'it waits: a takes no new work: is silent',
    })
    const busy = grid({ a: {} })
    busy.take('a', shape({ slots: 16 }))
    expect(canEverRun(shape(), busy)).toEqual({ ok: true, warning: null })
  })

  test('what no node has is refused, with what there is', () => {
    expect(canEverRun(shape({ slots: 20 }), grid({ a: {}, b: { slots: 18 } }))).toEqual({
      ok: false,
      detail:
        'no node can ever run it: 2 nodes too small for 20 slots: the largest, b, has 18 in all',
      hint: 'ask for 18 slots instead of 20: b has 18',
    })
    expect(canEverRun(shape({ memBytes: 100 * gib }), grid({ a: {} }))).toMatchObject({
      hint: 'ask for 64G instead of 100G: a has 64G',
    })
    const zones = grid({ a: { labels: { zone: 'a' } }, b: { labels: { zone: 'b' } } })
    expect(canEverRun(shape({ where: { zone: 'c' } }), zones)).toMatchObject({
      detail: 'no node can ever run it: 2 nodes without zone=c',
      hint: 'ask for one of zone=a, zone=b: no node has zone=c',
    })
    expect(canEverRun(shape({ where: { gpu: 'yes' } }), zones)).toMatchObject({
      hint: 'ask without gpu=yes: no node has the label gpu',
    })
  })
})
