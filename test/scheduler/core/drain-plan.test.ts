/** Drain: who moves where, who may finish, what is missing, and what the deadline does. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { jobKinds, taskStates } from '../../../proto/job.ts'
import { planDrain, type DrainInput, type DrainTask } from '../../../scheduler/core/drain-plan.ts'
import { Capacity } from '../../../scheduler/core/placement/capacity.ts'
import { ShapeTable } from '../../../scheduler/core/placement/shape.ts'

const mib = 2 ** 20
const table = new ShapeTable()

function task(name: string, parts: Partial<DrainTask> & { slots?: number } = {}): DrainTask {
  const { slots = 1, kind = 'continuous', owner = 'ann', ...rest } = parts
  const spread = kind === 'continuous'
  return {
    task: `${name}.1`,
    name,
    owner,
    kind,
    shape: table.intern({ owner, queue: 'default', slots, memBytes: mib, where: {}, spread }),
    state: 'running',
    onNodeSince: 0,
    ...rest,
  }
}

/** `here` is drained; its tasks are on the books. */
function grid(others: Record<string, number>, tasks: readonly DrainTask[]): Capacity {
  const capacity = new Capacity()
  const node = (name: string, slots: number, closed: string | null) => {
    capacity.setNode({ name, slots, memBytes: 1024 * mib, labels: {}, closed })
  }
  node('here', 32, 'drained by bob')
  for (const [name, slots] of Object.entries(others)) node(name, slots, null)
  for (const one of tasks) capacity.take('here', one.shape)
  return capacity
}

function plan(
  tasks: DrainTask[],
  others: Record<string, number>,
  drain: Partial<DrainInput['drain']> = {},
  now = 1000,
) {
  const whole = { deadlineAt: null, then: 'requeue' as const, atOnce: 4, moving: {}, ...drain }
  return planDrain({ node: 'here', tasks, capacity: grid(others, tasks), drain: whole }, now)
}

describe('before the deadline', () => {
  test('continuous jobs move, oldest first, so many at once; one-offs may finish', () => {
    const tasks = [
      task('young', { onNodeSince: 9 }),
      task('old', { onNodeSince: 1 }),
      task('middle', { onNodeSince: 5, state: 'backoff' }),
      task('batch', { kind: 'task', onNodeSince: 0 }),
    ]
    const told = plan(tasks, { a: 8, b: 4 }, { atOnce: 2 })
    expect(told.moves).toEqual([
      { task: 'old.1', to: 'a' },
      { task: 'middle.1', to: 'b' },
    ])
    expect(told.finish).toEqual(['batch.1'])
    expect(told.done).toBe(false)
    expect(told.steps.map(({ name, what, to }) => `${name} ${what} ${to}`)).toEqual([
      'batch finish null',
      'old move a',
      'middle move b',
      'young move a',
    ])
    expect(told.steps[3]?.detail).toBe('moves in its turn, 2 at once')
  })

  test('those under way count, also when they have left the node', () => {
    const told = plan(
      [task('x', { state: 'stopping' }), task('y')],
      { a: 8 },
      { atOnce: 2, moving: { 'x.1': 'a', 'left.1': 'a' } },
    )
    expect(told.moves).toEqual([])
    expect(told.steps.map(({ what }) => what)).toEqual(['moving', 'move'])
  })

  test('a target that takes no new work any more is replaced', () => {
    const moving = [task('x', { state: 'stopping' })]
    expect(plan(moving, { a: 8 }, { moving: { 'x.1': 'gone' } }).moves).toEqual([
      { task: 'x.1', to: 'a' },
    ])
    const nowhere = plan(moving, {}, { moving: { 'x.1': 'gone' } })
    expect(nowhere.moves).toEqual([])
    expect(nowhere.steps[0]?.detail).toBe(
      'gone takes no new work any more, and no other node has room',
    )
  })

  test('where no other node has room the job stays, and the plan says what is missing', () => {
    const told = plan([task('big', { slots: 8 }), task('small')], { a: 4 })
    expect(told.noRoom).toEqual([
      {
        task: 'big.1',
        missing:
          'no other node has room: 1 node (a) too small for 8 slots: the largest, a, has 4 in all',
      },
    ])
    expect(told.moves).toEqual([{ task: 'small.1', to: 'a' }])
    expect(plan([task('x')], {}).noRoom[0]?.missing).toBe('there is no other node')
  })

  test('what cannot be reached, or stops already, is left alone', () => {
    const told = plan([task('x', { state: 'unreachable' }), task('y', { state: 'stopping' })], {
      a: 4,
    })
    expect(told.steps.map(({ what }) => what)).toEqual(['unreachable', 'finish'])
    expect([told.moves, told.finish, told.noRoom, told.expired]).toEqual([[], [], [], []])
  })

  test('an empty node is done', () => {
    expect(plan([], { a: 1 }).done).toBe(true)
  })
})

describe('at the deadline', () => {
  const tasks = [task('bot'), task('wide', { slots: 9 }), task('batch', { kind: 'task' })]
  const at = (then: 'requeue' | 'kill' | 'wait', now = 1000) =>
    plan(tasks, { a: 4 }, { deadlineAt: 1000, then, atOnce: 0 }, now)

  test('one-offs are requeued or killed; a continuous job is never killed for good', () => {
    expect(at('requeue').expired).toEqual([
      { task: 'batch.1', what: 'requeue' },
      { task: 'wide.1', what: 'requeue' },
    ])
    expect(at('kill').expired).toEqual([
      { task: 'batch.1', what: 'kill' },
      { task: 'wide.1', what: 'requeue' },
    ])
    expect(at('kill').moves).toEqual([{ task: 'bot.1', to: 'a' }])
  })

  test('`wait` waits on, and nothing happens a moment before', () => {
    expect(at('wait').expired).toEqual([])
    expect(at('wait').finish).toEqual(['batch.1'])
    expect(at('kill', 999).expired).toEqual([])
    expect(at('kill', 999).moves).toEqual([])
  })
})

test('plans never overbook, never use the node itself or a closed one, and change nothing', () => {
  const arbitraryTask = fc.record({
    slots: fc.integer({ min: 1, max: 4 }),
    kind: fc.constantFrom(...jobKinds),
    state: fc.constantFrom(...taskStates),
    owner: fc.constantFrom('ann', 'bob'),
    onNodeSince: fc.nat(5),
  })
  fc.assert(
    fc.property(
      fc.array(arbitraryTask, { maxLength: 20 }),
      fc.array(fc.nat(6), { maxLength: 3 }),
      fc.integer({ min: 0, max: 5 }),
      fc.boolean(),
      (parts, slots, atOnce, expired) => {
        const tasks = parts.map((one, i) => task(`t${i}`, one))
        const capacity = grid(Object.fromEntries(slots.map((n, i) => [`n${i}`, n])), tasks)
        const books = () => [...capacity.nodes()].map(({ name }) => capacity.used(name))
        const before = books()
        const drain = { deadlineAt: expired ? 0 : null, then: 'kill' as const, atOnce, moving: {} }
        const input: DrainInput = { node: 'here', tasks, capacity, drain }
        const told = planDrain(input, 1)
        expect(planDrain({ ...input, tasks: tasks.toReversed() }, 1)).toEqual(told)
        expect(books()).toEqual(before)
        expect(capacity.reservations()).toEqual([])
        expect(expired || told.moves.length <= atOnce).toBe(true)
        expect(told.steps).toHaveLength(tasks.length)
        const shapeOf = new Map(tasks.map((one) => [one.task, one.shape]))
        for (const move of told.moves) {
          const shape = shapeOf.get(move.task)
          if (shape !== undefined) capacity.reserve(move.task, move.to, shape)
        }
        expect(told.moves.filter(({ to }) => to === 'here')).toEqual([])
        for (const { name, freeSlots } of capacity.nodes()) {
          expect(name === 'here' || freeSlots >= 0).toBe(true)
        }
      },
    ),
    { numRuns: 200 },
  )
})
