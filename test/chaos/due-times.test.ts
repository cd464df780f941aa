/** The checker of schedules finds where their jobs' own file and the ledger disagree. */
import { describe, expect, it } from 'vitest'

import { lookAtDues, type Schedule } from './due-times.ts'
import type { Due } from './evidence.ts'

const [first, second] = ['2026-01-01T10:00:00.000Z', '2026-01-01T10:01:00.000Z']
const entry = { until: null, count: 1, manual: false, why: 'due', at: second }
const ledger = [
  { ...entry, dueAt: first, outcome: 'ran', jobId: 7 },
  { ...entry, dueAt: second, outcome: 'ran', jobId: 8 },
] as const
const ended = { schedule: 'tick', outcome: 'succeeded' } as const
const schedule: Schedule = {
  ledger,
  jobs: new Map([
    [7, ended],
    [8, ended],
  ]),
  name: 'tick',
  forgotten: () => 0,
}
const line = (due: string, run: string) => ({ due, run })
const both = [line(first, '7.1.1.1'), line(second, '8.1.1.1')]
const failed = new Map([...schedule.jobs, [8, { ...ended, outcome: 'failed' }]] as const)
const once = (due: number) => (due === Date.parse(first) ? 1 : 0)

describe('what the jobs of a schedule wrote', () => {
  it.each<[string, Partial<Schedule>, Due[], string[]]>([
    ['agrees with the ledger', {}, both, []],
    [
      'lacks a due time',
      {},
      both.slice(1),
      [`job 7 for ${first} succeeded without doing its work`],
    ],
    ['may lack that of a job that failed', { jobs: failed }, both.slice(0, 1), []],
    [
      'has a due time twice, by a second run',
      {},
      [...both, line(first, '7.1.2.2')],
      [`${first} was worked on more than once`],
    ],
    [
      'has a run twice',
      {},
      [...both, line(first, '7.1.1.1')],
      ['run 7.1.1.1 was executed twice', `${first} was worked on more than once`],
    ],
    [
      'has a due time that is missed by the ledger',
      { ledger: [{ ...ledger[0], outcome: 'missed', jobId: null }, ledger[1]] },
      both,
      [`${first} was worked on by run 7.1.1.1, and the ledger has no such firing`],
    ],
    [
      'has the due time of another job',
      {},
      [line(first, '8.1.1.1'), line(second, '7.1.1.1')],
      [
        `${first} was worked on by run 8.1.1.1; by the ledger it is job 7's`,
        `${second} was worked on by run 7.1.1.1; by the ledger it is job 8's`,
        `job 7 for ${first} succeeded without doing its work`,
        `job 8 for ${second} succeeded without doing its work`,
      ],
    ],
    [
      'has no due time at all',
      {},
      [line('-', '7.1.1.1'), ...both.slice(1)],
      [
        '- was worked on by run 7.1.1.1, and the ledger has no such firing',
        `job 7 for ${first} succeeded without doing its work`,
      ],
    ],
    [
      'is of a job that nobody knows',
      {},
      [...both, line(first, '6.1.1.1')],
      [`${first} was worked on by 6.1.1.1, which nobody knows`],
    ],
    [
      'is of a firing that an older database has forgotten',
      { forgotten: once },
      [line(first, '6.1.1.1'), ...both],
      [],
    ],
    [
      'is of two, and one database was put in place',
      { forgotten: once },
      [line(first, '5.1.1.1'), line(first, '6.1.1.1'), ...both],
      [`${first} was worked on by 5.1.1.1, 6.1.1.1, which nobody knows`],
    ],
    [
      'is of a due time before what was forgotten',
      { forgotten: once },
      [line(second, '6.1.1.1'), ...both],
      [`${second} was worked on by 6.1.1.1, which nobody knows`],
    ],
  ])('%s', (_, change, lines, faults) => {
    expect(lookAtDues({ ...schedule, ...change }, lines).faults).toEqual(faults)
  })
  it('is counted as lost and as double', () => {
    const lines = [line(second, '8.1.1.1'), line(second, '8.1.2.2')]
    expect(lookAtDues(schedule, lines)).toMatchObject({ lost: 1, twice: 1 })
  })
})
