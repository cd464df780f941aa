import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { taskStates } from '../../proto/job.ts'
import { legalMoves } from '../../scheduler/core/task-state.ts'
import { jobLifecycleText } from '../../scripts/job-lifecycle.ts'

test('docs/job-lifecycle.md shows the moves of the code: npm run docs', () => {
  expect(readFileSync('docs/job-lifecycle.md', 'utf8')).toBe(jobLifecycleText())
})

test('the states of the code and of the wire are the same', () => {
  expect(taskStates.toSorted()).toEqual(Object.keys(legalMoves).toSorted())
})
