/** What a queue takes, from whom, and what who is refused is told. */
import { describe, expect, test } from 'vitest'

import type { JobSpec } from '../../../proto/job.ts'
import {
  admitToQueue,
  builtInQueues,
  filledQueue,
  markOf,
  queueBlocker,
  takesNode,
  type Queue,
} from '../../../scheduler/core/queue.ts'

const gib = 2 ** 30
const spec = (more: Partial<JobSpec>) =>
  // What a queue looks at; the rest of a job is of no concern here.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ({ queue: 'fast', kind: 'task', memBytes: gib, timeMs: null, where: {}, ...more }) as JobSpec
const admit = (
  queue: Partial<Queue>,
  more: Partial<JobSpec> = {},
  who: { live?: number; groups?: string[] } = {},
) => {
  const fast = filledQueue({ name: 'fast', ...queue })
  const queues = new Map([...builtInQueues, fast].map((one) => [one.name, one]))
  const members = new Map(who.groups?.map((group) => [group, new Set(['anna'])]))
  return admitToQueue(queues, spec(more), { owner: 'anna', members, live: who.live ?? 0 })
}

const refused: [string, ReturnType<typeof admit>, string, RegExp][] = [
  ['no such queue', admit({}, { queue: 'slow' }), 'refused', /no queue "slow"/],
  ['another kind', admit({ kinds: ['continuous'] }), 'refused', /does not take task jobs/],
  ['a built-in of another kind', admit({}, { queue: 'continuous' }), 'refused', /not take task/],
  ['not for this user', admit({ users: ['bert'] }), 'forbidden', /not for anna: it is for bert/],
  ['not of the group', admit({ groups: ['lab'] }), 'forbidden', /members of lab/],
  [
    'too many jobs',
    admit({ jobs: 2 }, {}, { live: 2 }),
    'over-quota',
    /has 2 live jobs, and takes 2/,
  ],
  ['too much memory', admit({ taskMemBytes: gib - 1 }), 'refused', /more than queue "fast" gives/],
  [
    'too long',
    admit({ timeMs: 60_000 }, { timeMs: 60_001 }),
    'refused',
    /^1m is more than .*: 1m$/,
  ],
  ['a mark', admit({}, { where: { 'queue:fast': 'yes' } }), 'refused', /is no label/],
]
test.each(refused)('%s is refused with a hint', (_, result, code, detail) => {
  expect(result).toMatchObject({
    ok: false,
    refusal: { code, detail: expect.stringMatching(detail), hint: expect.any(String) },
  })
})

test('users and members of groups are let in, up to the last job', () => {
  const queue = { users: ['bert', 'anna'], groups: ['lab'], jobs: 2, taskMemBytes: gib }
  expect(admit(queue, {}, { live: 1 }).ok).toBe(true)
  expect(admit({ users: ['bert'], groups: ['lab'] }, {}, { groups: ['lab'] }).ok).toBe(true)
})

test('a job that says no time limit gets that of the queue', () => {
  expect(admit({ timeMs: 60_000 })).toMatchObject({ ok: true, value: { timeMs: 60_000 } })
  expect(admit({ timeMs: 60_000 }, { timeMs: 5 })).toMatchObject({ value: { timeMs: 5 } })
  expect(admit({})).toMatchObject({ value: { timeMs: null } })
})

describe('nodes', () => {
  const labels = { node: 'n1', disk: 'ssd' }
  const takes = (queue: Partial<Queue>) => takesNode(filledQueue({ name: 'q', ...queue }), labels)
  test('by name, by label, by both, or any', () => {
    expect(takes({})).toBe(true)
    expect([takes({ nodes: ['n1', 'n2'] }), takes({ nodes: ['n2'] })]).toEqual([true, false])
    const [ssd, hdd] = [{ disk: 'ssd' }, { disk: 'hdd' }]
    expect([takes({ where: ssd }), takes({ where: hdd })]).toEqual([true, false])
    expect(takes({ nodes: ['n1'], where: hdd })).toBe(false)
  })
  test('only a queue that has nodes of its own marks them', () => {
    expect(markOf(filledQueue({ name: 'q' }))).toBeNull()
    expect(markOf(filledQueue({ name: 'q', nodes: ['n1'] }))).toBe('queue:q')
    expect(markOf(undefined)).toBeNull()
  })
})

test('what waits for its queue is told so', () => {
  const queue = filledQueue({ name: 'q', slots: 4 })
  expect(queueBlocker(queue, 2, 2)).toBeNull()
  expect(queueBlocker(queue, 2, 3)).toMatchObject({
    code: 'queue-full',
    detail: 'it asks for 2 slots, queue "q" holds 3, and may hold 4',
  })
  const closed = { ...queue, closed: { by: 'olga', why: 'dust', at: 0 } }
  expect(queueBlocker(closed, 1, 0)).toMatchObject({
    code: 'queue-closed',
    detail: 'queue "q" was closed by olga: dust',
  })
})
