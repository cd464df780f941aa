import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { precedence, taskStates, type TaskStateName } from '../../../proto/job.ts'
import type { Phase } from '../../../proto/sync.ts'
import {
  IllegalMove,
  moveTask,
  type JobFacts,
  type TaskEvent,
} from '../../../scheduler/core/task-machine.ts'
import {
  legalMoves,
  placementOf,
  type StopPlan,
  type Task,
} from '../../../scheduler/core/task-state.ts'

const bot: JobFacts = {
  kind: 'continuous',
  restart: 'always',
  retry: 0,
  exits: null,
  hold: false,
  onPartition: 'stop',
  epochBase: 0,
}
const oneOff: JobFacts = { ...bot, kind: 'task', onPartition: 'keep' }
const fresh: Task = {
  job: 1,
  index: 1,
  state: { is: 'pending', notBefore: null },
  since: 0,
  epoch: 0,
  lastRun: 0,
  lastEnded: 0,
  failures: 0,
  avoid: [],
  suspend: false,
}
const cancel: StopPlan = {
  cause: { kind: 'cancelled', by: 'anna', why: '' },
  graceMs: null,
  then: 'finish',
}
const move: StopPlan = {
  cause: { kind: 'drained', node: 'n1', why: '' },
  graceMs: 5,
  then: 'requeue',
}
const said = (phase: Phase, lastRun = 1, version = 1): TaskEvent => ({
  happened: 'reported',
  phase,
  version,
  lastRun,
})
const runs: Phase = { kind: 'running', run: 1, since: 0, healthy: false }
const ended = (code: number): Phase => ({ kind: 'ended', cause: { kind: 'exit', code } })
const after = (job: JobFacts, ...events: TaskEvent[]): Task =>
  events.reduce((task, event) => moveTask(task, job, event, 1000), fresh)
const place: TaskEvent = { happened: 'placed', node: 'n1' }
const silent: TaskEvent = { happened: 'node-silent', why: 'silent' }
const over: TaskEvent = { happened: 'lease-over', node: 'n1', delayMs: 70 }

describe('each move', () => {
  const table: [string, JobFacts, TaskEvent[], Task['state']][] = [
    ['is held', oneOff, [{ happened: 'held' }], { is: 'held' }],
    [
      'is released',
      oneOff,
      [{ happened: 'held' }, { happened: 'released' }],
      { is: 'pending', notBefore: null },
    ],
    [
      'ends well',
      oneOff,
      [place, said(runs), said(ended(0))],
      { is: 'finished', outcome: 'succeeded', cause: { kind: 'exit', code: 0 } },
    ],
    [
      'fails, and may not be tried again',
      oneOff,
      [place, said(ended(3))],
      { is: 'finished', outcome: 'failed', cause: { kind: 'exit', code: 3 } },
    ],
    [
      'fails, and is tried again after a while',
      { ...oneOff, retry: 1 },
      [place, said(ended(3))],
      { is: 'pending', notBefore: 6000 },
    ],
    [
      'fails once more than it may',
      { ...oneOff, retry: 1 },
      [place, said(ended(3)), place, said(ended(4))],
      { is: 'finished', outcome: 'failed', cause: { kind: 'exit', code: 4 } },
    ],
    [
      'a held one that failed is held',
      { ...oneOff, retry: 1, hold: true },
      [place, said(ended(3))],
      { is: 'held' },
    ],
    [
      'stopped while it waits',
      oneOff,
      [{ happened: 'stop-wanted', stop: cancel }],
      { is: 'finished', outcome: 'cancelled', cause: cancel.cause },
    ],
    [
      'a bot whose lease is over waits for its turn elsewhere',
      bot,
      [place, said(runs), silent, over],
      { is: 'pending', notBefore: 1070 },
    ],
    [
      'a bot that was stopped while cut off is over with its lease',
      bot,
      [place, said(runs), silent, { happened: 'stop-wanted', stop: cancel }, over],
      { is: 'finished', outcome: 'cancelled', cause: cancel.cause },
    ],
    [
      'a lost record of a run that had begun leaves its end unknown',
      oneOff,
      [place, said(runs), { happened: 'forgotten' }],
      {
        is: 'finished',
        outcome: 'failed',
        cause: { kind: 'outcome-unknown', detail: 'node n1 has lost its record of the run' },
      },
    ],
    [
      'moved, it waits for its new place',
      bot,
      [
        place,
        said(runs),
        { happened: 'stop-wanted', stop: move },
        said({ kind: 'ended', cause: move.cause }),
      ],
      { is: 'pending', notBefore: null },
    ],
  ]
  test.each(table)('%s', (_, job, events, state) => {
    expect(after(job, ...events).state).toEqual(state)
  })

  test('with keep a node whose lease is over may still run it', () => {
    const task = after(oneOff, place, said(runs), silent, over)
    expect(task.state).toMatchObject({ is: 'unreachable', stop: null })
    expect(after(oneOff, place, said(runs), silent, over, said(runs)).state.is).toBe('running')
  })

  test('a lost record of a placement that had not begun is told again under the same epoch', () => {
    const task = after(bot, place, said({ kind: 'accepted' }, 0), { happened: 'forgotten' })
    expect(task.state).toMatchObject({ is: 'placed', placement: { epoch: 1, known: false } })
  })

  test('a stop for good outweighs a move, and the shorter grace wins', () => {
    const stops: TaskEvent[] = [
      { happened: 'stop-wanted', stop: cancel },
      { happened: 'stop-wanted', stop: move },
    ]
    const task = after(bot, place, ...stops)
    expect(task.state).toMatchObject({ stop: { then: 'finish', graceMs: 5 } })
  })

  test('what a lost database gave out is taken up under its epoch, and never given out again', () => {
    const found: TaskEvent = { happened: 'adopted', node: 'n2', epoch: 7, firstRun: 3 }
    expect(after(bot, found).state).toMatchObject({ placement: { node: 'n2', epoch: 7 } })
    expect(after(bot, { happened: 'held' }, found).state.is).toBe('placed')
    expect(after({ ...bot, epochBase: 100 }, place).epoch).toBe(101)
    expect(after(bot, found, { ...found, epoch: 6 }).epoch).toBe(7)
  })

  test('only what waits can be placed', () => {
    expect(() => after(bot, place, place)).toThrow(IllegalMove)
  })
})

const anyPhase: fc.Arbitrary<Phase> = fc.oneof(
  fc.constantFrom<Phase>(
    { kind: 'accepted' },
    runs,
    { ...runs, healthy: true },
    { kind: 'backoff', until: 5, failures: 2, crashLoop: true },
    { kind: 'suspended', run: 1 },
    { kind: 'stopping', since: 1, stuck: [] },
    ended(0),
    ended(1),
    { kind: 'ended', cause: { kind: 'lease-expired', node: 'n1' } },
    { kind: 'ended', cause: cancel.cause },
  ),
)
const anyEvent: fc.Arbitrary<TaskEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<TaskEvent>(place) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(anyPhase, fc.nat(5), fc.nat(9))
      .map(([phase, run, version]) => said(phase, run, version)),
  },
  fc.constantFrom<TaskEvent>(
    { happened: 'held' },
    { happened: 'released' },
    { happened: 'stop-wanted', stop: cancel },
    { happened: 'stop-wanted', stop: move },
    { happened: 'suspend-wanted', suspend: true },
    silent,
    over,
    { happened: 'gone', cause: { kind: 'node-lost', node: 'n1', why: '' }, delayMs: 0 },
    { happened: 'forgotten' },
  ),
  fc.nat(20).map((epoch): TaskEvent => ({ happened: 'adopted', node: 'n2', epoch, firstRun: 1 })),
)
const anyJob: fc.Arbitrary<JobFacts> = fc.record({
  kind: fc.constantFrom('task', 'continuous'),
  restart: fc.constantFrom('always', 'on-failure'),
  retry: fc.nat(3),
  exits: fc.constantFrom(null, { again: 1, hold: 2 }),
  hold: fc.boolean(),
  onPartition: fc.constantFrom('stop', 'keep'),
  epochBase: fc.constantFrom(0, 10),
})

test('whatever happens: only legal moves, epochs rise, and what is finished stays as it is', () => {
  fc.assert(
    fc.property(anyJob, fc.array(anyEvent, { maxLength: 60 }), (job, events) => {
      let task = fresh
      for (const event of events) {
        if (event.happened === 'placed' && task.state.is !== 'pending') continue
        const next = moveTask(task, job, event, 1000)
        const [was, is] = [placementOf(task.state), placementOf(next.state)]
        if (task.state.is === 'finished') expect(next.state).toBe(task.state)
        expect(
          next.state.is === task.state.is || legalMoves[task.state.is].includes(next.state.is),
        ).toBe(true)
        expect(next.epoch).toBeGreaterThanOrEqual(task.epoch)
        if (is !== null) expect(is.epoch).toBe(next.epoch)
        // A placement is another one exactly when its epoch has risen.
        if (is !== null && was !== null && is.node !== was.node)
          expect(is.epoch).toBeGreaterThan(was.epoch)
        if (is !== null && was === null) expect(is.epoch).toBeGreaterThan(task.epoch)
        task = next
      }
    }),
    { numRuns: 2_000 },
  )
})

test('proto, the order in which a job takes its state, and the table of moves name the same states', () => {
  expect(Object.keys(legalMoves)).toEqual([...taskStates])
  expect(precedence.toSorted()).toEqual(taskStates.toSorted())
  const placing = (Object.keys(legalMoves) as TaskStateName[]).filter((state) =>
    legalMoves[state].includes('unreachable'),
  )
  expect(placing).toEqual(['placed', 'running', 'backoff', 'suspended', 'stopping'])
})
