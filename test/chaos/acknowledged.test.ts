/** What a database put in place may have forgotten, and what not. */
import { expect, it } from 'vitest'

import { Acknowledgements, type Acknowledged, type Mark } from './acknowledged.ts'

const job = (number: number): Acknowledged => ({
  ...{ job: number, name: `once-${number}`, expected: 'once', tasks: 1 },
  ...{ counter: false, held: false, at: number },
})

it('is what was acknowledged between its mark and the moment, and what was live at the mark may run again', () => {
  const said = new Acknowledgements()
  for (const number of [1, 2]) said.add(job(number))
  const mark: Mark = { jobs: 2, live: new Set([2]), ledgers: new Map([['tick', 500]]), at: 20 }
  said.add(job(3))
  said.restores.push({ mark, jobs: 3, at: 30, wallAt: 1_000 })
  said.add(job(4))
  const numbers = [1, 2, 3, 4]
  expect(numbers.filter((number) => said.mayBeForgotten(number))).toEqual([3])
  expect(numbers.map((number) => said.restoredOver(number))).toEqual([0, 1, 1, 0])
  expect(numbers.map((number) => said.restoredAt(number))).toEqual([null, 30, 30, null])
  expect([500, 501, 1_000, 1_001].map((due) => said.forgottenDue('tick', due))).toEqual([
    0, 1, 1, 0,
  ])
  said.restores.push({ mark, jobs: 4, at: 40, wallAt: 2_000 })
  expect(numbers.map((number) => said.restoredOver(number))).toEqual([0, 2, 2, 1])
  expect(said.forgottenDue('tick', 1_000)).toBe(2)
})
