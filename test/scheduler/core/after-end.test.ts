import { expect, test } from 'vitest'

import type { Cause } from '../../../proto/cause.ts'
import { afterEnd, type EndFacts } from '../../../scheduler/core/after-end.ts'

const exit = (code: number): Cause => ({ kind: 'exit', code })
const lost: Cause = { kind: 'node-lost', node: 'n1', why: '' }
const drained: Cause = { kind: 'drained', node: 'n1', why: '' }
const cancelled: Cause = { kind: 'cancelled', by: 'anna', why: '' }
const memory: Cause = { kind: 'out-of-memory', victim: null, peakBytes: null, limitBytes: null }
const base: EndFacts = {
  kind: 'task',
  restart: 'always',
  failures: 0,
  retry: 0,
  exits: null,
  hold: false,
  stop: null,
  cause: exit(0),
  now: 0,
  delayMs: 30,
}
const bot = { kind: 'continuous' } as const
const said = { exits: { again: 99, hold: 100 } } as const
const forGood = { cause: cancelled, graceMs: null, then: 'finish' } as const
const away = { cause: drained, graceMs: null, then: 'requeue' } as const

const table: [string, Partial<EndFacts>, string][] = [
  ['a task that exits 0 succeeded', {}, 'succeeded'],
  ['another status fails it', { cause: exit(1) }, 'failed'],
  ['no memory fails it', { cause: memory }, 'failed'],
  ['a retry waits a while', { cause: exit(1), retry: 1 }, 'pending 5000'],
  ['a code that means again needs no retry', { ...said, cause: exit(99) }, 'pending 5000'],
  ['a code that means hold', { ...said, cause: exit(100) }, 'held'],
  [
    'one that may be rerun comes back from a lost node',
    { exits: { lost: true }, cause: lost },
    'pending 30',
  ],
  ['only where it was said', { cause: exit(100) }, 'failed'],
  ['any other code fails it', { ...said, cause: exit(98) }, 'failed'],
  ['stopped, no code holds it', { ...said, cause: exit(100), stop: forGood }, 'cancelled'],
  ['a later one longer', { cause: exit(1), retry: 9, failures: 3 }, 'pending 40000'],
  ['but not for ever', { cause: exit(1), retry: 99, failures: 50 }, 'pending 300000'],
  ['all retries used', { cause: exit(1), retry: 1, failures: 1 }, 'failed'],
  ['a lost node fails it without a retry', { cause: lost }, 'failed'],
  ['a lost node and a retry: elsewhere in its turn', { cause: lost, retry: 1 }, 'pending 30'],
  ['drained, it starts elsewhere without a retry', { cause: drained }, 'pending null'],
  ['stopped to move, it waits', { cause: drained, stop: away }, 'pending 30'],
  ['ended by itself while it was to move', { cause: exit(0), stop: away }, 'succeeded'],
  [
    'killed for good at the end of a drain',
    { cause: drained, stop: { ...away, then: 'finish' } },
    'failed',
  ],
  ['stopped', { cause: cancelled, stop: forGood }, 'cancelled'],
  ['stopped too late', { cause: exit(0), stop: forGood }, 'succeeded'],
  ['stopped and lost', { cause: lost, stop: forGood }, 'cancelled'],
  ['a bot that exits comes back', { ...bot, cause: exit(0) }, 'pending 5000'],
  ['on failure only: done', { ...bot, restart: 'on-failure', cause: exit(0) }, 'succeeded'],
  ['on failure only: again', { ...bot, restart: 'on-failure', cause: exit(1) }, 'pending 5000'],
  ['a bot of a lost node starts in its turn', { ...bot, cause: lost }, 'pending 30'],
  ['a bot is moved', { ...bot, cause: drained, stop: away }, 'pending 30'],
  ['a held one waits held', { ...bot, cause: lost, hold: true }, 'held'],
  ['a bot that is stopped', { ...bot, cause: exit(0), stop: forGood }, 'cancelled'],
]

test.each(table)('%s', (_, more, expected) => {
  const { state } = afterEnd({ ...base, ...more })
  const words = {
    finished: () => ('outcome' in state ? state.outcome : ''),
    pending: () => `pending ${'notBefore' in state ? state.notBefore : ''}`,
    held: () => 'held',
  }
  expect(words[state.is]()).toBe(expected)
})

test('only a failure of its own uses up a retry, and keeps it from the node', () => {
  expect(afterEnd({ ...base, cause: exit(1), retry: 1 })).toMatchObject({
    usesRetry: true,
    avoidNode: true,
  })
  expect(afterEnd({ ...base, cause: lost, retry: 1 })).toMatchObject({ usesRetry: false })
})
