/** Seeds that once broke a promise: what each found is told small beside its mending. */
import { expect, it } from 'vitest'

import { simulate, usual } from './simulation.ts'

const found = [
  { seed: 217, what: 'an order that waited in a stream beyond its lease was obeyed' },
  { seed: 218, what: 'a suspended job that was moved stayed suspended after its resume' },
  { seed: 221, what: 'tasks of a suspended array did not go on after its resume' },
  { seed: 5, what: 'a one-off was retried for ever, for each run began in health' },
  { seed: 13, what: 'a retry waited an hour for a clock that was set back' },
  {
    seed: 137,
    what: 'a machine that was started again was refused, for its old report was read late',
  },
  { seed: 101, what: 'a suspended job that lost its place could not be resumed' },
]

it.each(found)('seed $seed: $what', async ({ seed }) => {
  const { broken } = await simulate({ seed, ...usual })
  expect(broken).toBeNull()
})
