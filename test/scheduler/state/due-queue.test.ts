/** Due schedules come in the order of their times, whatever was changed about them meanwhile. */
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { DueQueue } from '../../../scheduler/state/due-queue.ts'
import type { LiveSchedule } from '../../../scheduler/state/live-schedule.ts'

type Fake = Pick<LiveSchedule, 'nextDue' | 'armedAt'> & { name: string }
const times = 6

test('takes what is due, each once, and nothing that is not', () => {
  const step = fc.record({
    who: fc.nat(4),
    next: fc.option(fc.nat(times), { nil: null }),
    take: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new DueQueue()
      const fakes = Array.from({ length: 5 }, (_, at): Fake => ({
        name: `s${at}`,
        nextDue: null,
        armedAt: null,
      }))
      for (const { who, next, take } of steps) {
        const due = fakes.flatMap(({ nextDue }) => (nextDue === null ? [] : [nextDue]))
        expect(queue.nextAt).toBe(due.length === 0 ? null : Math.min(...due))
        if (take) {
          const taken = queue.take(times / 2)
          const soon = due.filter((at) => at <= times / 2)
          expect(taken?.nextDue ?? null).toBe(soon.length === 0 ? null : Math.min(...soon))
          // As a firing does: its next time is another one.
          if (taken !== null) taken.nextDue = null
        } else {
          const fake = fakes[who]!
          fake.nextDue = next
          queue.arm(fake as LiveSchedule)
        }
      }
    }),
  )
})

test('of one time those that came first go first', () => {
  const queue = new DueQueue()
  const names = Array.from({ length: 100 }, (_, at) => `s${at}`)
  for (const name of names) queue.arm({ name, nextDue: 5, armedAt: null } as LiveSchedule)
  expect(queue.take(4)).toBeNull()
  expect(names.map(() => queue.take(5)?.name)).toEqual(names)
  expect(queue.take(5)).toBeNull()
})
