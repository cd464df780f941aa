import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { taskStates } from '../../proto/job.ts'
import { legalMoves } from '../../scheduler/core/task-state.ts'
import { jobLifecycleText } from '../../scripts/job-lifecycle.ts'

test('docs/job-lifecycle.md shows the moves of the code: npm run docs', () => {
  expect(readFileSync('docs/job-lifecycle.md', 'utf8')).toBe(jobLifecycleText())
})

test('the states of the code, of the wire and of the tables are the same', () => {
  const states = Object.keys(legalMoves)
  expect(taskStates.toSorted()).toEqual(states.toSorted())
  const schema = readFileSync('scheduler/store/migrations/0001-first.sql', 'utf8')
  const lists = [...schema.matchAll(/CHECK \(state IN \(([^)]*)\)\),/g)]
    .map((match) => (match[1] ?? '').replaceAll("'", '').split(', '))
    .filter((list) => list.includes('pending'))
  expect(lists).toHaveLength(2)
  for (const list of lists) expect(list.toSorted()).toEqual(states.toSorted())
})
