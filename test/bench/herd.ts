/** Program of the bench: so many schedules are due in one minute, the brain alone over a real store; prints how late each fired. */
import { setTimeout as delay } from 'node:timers/promises'

import type { Clock } from '../../src/lib/clock.ts'
import { realClock } from '../../src/lib/real-clock.ts'
import { temporaryFolder } from './daemons.ts'
import { addSchedules, openBrain } from './filled.ts'

export type HerdInput = { schedules: number }
export type HerdOutput = { lateMs: number[] }

const { schedules } = JSON.parse(process.argv[2] ?? '') as HerdInput
const minuteMs = 60_000
/** Time to open the brain in, before the minute begins. */
const openMs = 10_000

/** The machine's clock, moved on so that the next minute begins when it is told to. */
function shiftedClock(): Clock & { untilMinute: (ms: number) => void } {
  const clock = realClock()
  let shiftMs = 0
  const now = () => Date.now() + shiftMs
  return {
    ...clock,
    now,
    untilMinute(waitMs) {
      shiftMs += minuteMs - waitMs - (now() % minuteMs)
    },
  }
}

async function measure(): Promise<HerdOutput> {
  const folder = temporaryFolder()
  try {
    // Two starts: all are added early in a minute, and the second start meets a clock that never steps.
    const clock = shiftedClock()
    clock.untilMinute(minuteMs - 1)
    const first = await openBrain(folder.path, clock)
    await addSchedules(first.brain, schedules, '* * * * *')
    await first.close()
    clock.untilMinute(openMs)
    return { lateMs: await fire(folder.path, clock) }
  } finally {
    folder.remove()
  }
}

async function fire(data: string, clock: Clock): Promise<number[]> {
  const dueAt = Math.ceil(clock.now() / minuteMs) * minuteMs
  const { brain, close } = await openBrain(data, clock)
  if (clock.now() > dueAt) throw new Error('the brain was opened too late')
  const lateMs: number[] = []
  brain.onEvents((events) => {
    // All of one commit are told at once.
    const late = clock.now() - dueAt
    for (const { what, schedule } of events)
      if (what === 'submitted' && schedule !== null) lateMs.push(late)
  })
  brain.start()
  const end = dueAt + 30_000
  while (lateMs.length < schedules && clock.now() < end) await delay(50)
  await close()
  if (lateMs.length < schedules) throw new Error(`only ${lateMs.length} schedules fired in 30 s`)
  return lateMs
}

console.log(JSON.stringify(await measure()))
