import { expect, it } from 'vitest'

import { newRecord, newRun, type PlacementRecord } from '../../../exec-node/core/record.ts'
import { fitted, reportLimits } from '../../../exec-node/core/report-size.ts'
import { order } from '../grid.ts'

const tail = { out: 'x'.repeat(87_000), err: '' }

function withRuns(job: number, count: number): PlacementRecord {
  const runs = Array.from({ length: count }, (_, at) => ({
    bootId: 'b',
    state: 'over' as const,
    version: at + 2,
    limits: '',
    report: { ...newRun(at + 1), startedAt: 1, tail: at >= count - 3 ? tail : null },
  }))
  return { ...newRecord(order(job)), version: count + 1, runs }
}

const tailsOf = (report: { runs: { tail: typeof tail | null }[] }) =>
  report.runs.filter((run) => run.tail !== null).length

it('tails beyond the budget wait for a later report, and nothing of theirs is acknowledged', () => {
  const records = Array.from({ length: 100 }, (_, at) => withRuns(at + 1, 5))
  const full = fitted(records, true)
  expect(full).toHaveLength(100)
  expect(full.some(({ part }) => part)).toBe(true)
  expect(JSON.stringify(full).length).toBeLessThan(reportLimits.bytes)
  for (const report of full) {
    expect(report.runs).toHaveLength(5)
    expect(report.version).toBe(tailsOf(report) === 3 ? 6 : 0)
    expect(report.part).toBe(tailsOf(report) === 3 ? undefined : true)
  }
  const some = fitted(records, false)
  expect(some.length).toBeGreaterThan(10)
  expect(some.length).toBeLessThan(20)
  expect(some.every((report) => tailsOf(report) === 3)).toBe(true)
})

it('a full report names every placement, however many runs there are to tell', () => {
  const records = Array.from({ length: 900 }, (_, at) => withRuns(at + 1, 50))
  const placements = fitted(records, true)
  expect(placements).toHaveLength(900)
  expect(JSON.stringify(placements).length).toBeLessThan(1.2 * reportLimits.bytes)
})

it('what fits is told whole', () => {
  const placements = fitted([withRuns(1, 4), withRuns(2, 0)], true)
  expect(placements.some(({ part }) => part)).toBe(false)
  expect(placements.map(({ version, runs }) => [version, runs.length])).toEqual([
    [5, 4],
    [1, 0],
  ])
})
