/** Program of the load test: the brain over a real store through a due minute, asked for a list meanwhile; prints what it told. */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'

import { realClock } from '../../src/lib/real-clock.ts'
import { caller, openBrain } from '../bench/filled.ts'

/** `shiftMs`: how far its clock is ahead of the machine's. */
export type MinuteInput = { data: string; shiftMs: number; dueAt: number }
/** Schedules that were told to have fired, with their jobs, one line for each commit; the last line says how long answers took. */
export type MinuteOutput = { fired: [schedule: string, job: number][]; waitsMs: number[] | null }

const { data, shiftMs, dueAt } = JSON.parse(process.argv[2] ?? '') as MinuteInput
const say = (line: MinuteOutput) => console.log(JSON.stringify(line))
const clock = { ...realClock(), now: () => Date.now() + shiftMs }
const { brain, close } = await openBrain(data, clock)
brain.onEvents((events) => {
  const fired = events.flatMap(({ what, schedule, job }): MinuteOutput['fired'] =>
    what === 'submitted' && schedule !== null && job !== null ? [[schedule, job]] : [],
  )
  if (fired.length > 0) say({ fired, waitsMs: null })
})
brain.start()
const waitsMs: number[] = []
while (somethingIsDue()) {
  waitsMs.push(await answerMs())
  await delay(5)
}
// Once more, for what a tick too many would fire.
brain.tick()
await close()
say({ fired: [], waitsMs })

function somethingIsDue(): boolean {
  return clock.now() < dueAt || (brain.state.due.nextAt ?? Infinity) <= dueAt
}

/** Of the first page of the own jobs; with the turn that a request takes to come in. */
async function answerMs(): Promise<number> {
  const from = performance.now()
  await nextTurn()
  const list = await brain.handlers.listJobs({ caller, params: {}, query: {}, body: {} })
  if (!list.ok) throw new Error(list.refusal.detail)
  return performance.now() - from
}
