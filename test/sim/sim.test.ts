/** The promises hold under faults, for two hundred grids; and a seed tells the whole story again. */
import { describe, expect, it } from 'vitest'

import { simulate, usual } from './simulation.ts'

const seeds = { first: 1, last: 200 }

describe('the simulated grid', () => {
  it(
    `keeps its promises, seeds ${seeds.first} to ${seeds.last}`,
    { timeout: 240_000 },
    async () => {
      for (let seed = seeds.first; seed <= seeds.last; seed += 1) {
        const { broken, timeline } = await simulate({ seed, ...usual })
        if (broken === null) continue
        const again = `npm run sim -- --seed ${seed}`
        expect.fail([...timeline.slice(-60), `again: ${again}`, broken].join('\n'))
      }
    },
  )

  it(
    'keeps them, and gives no more of a named resource than there is, where jobs ask for some',
    { timeout: 240_000 },
    async () => {
      for (let seed = 1; seed <= 40; seed += 1) {
        const { broken, timeline } = await simulate({ seed, ...usual, hasScarce: true })
        if (broken === null) continue
        const again = `npm run sim -- --seed ${seed} --scarce`
        expect.fail([...timeline.slice(-60), `again: ${again}`, broken].join('\n'))
      }
    },
  )

  it('tells the same story from the same seed', async () => {
    const first = await simulate({ seed: 7, ...usual })
    const again = await simulate({ seed: 7, ...usual })
    const other = await simulate({ seed: 8, ...usual })
    expect(again.hash).toBe(first.hash)
    expect(again.events).toBe(first.events)
    expect(other.hash).not.toBe(first.hash)
  })
})
