/** `eg clock`: the wall clock that schedules follow, and whether they wait for it. */
import { formatDuration } from '../../proto/resources.ts'
import type { ClockView } from '../../proto/schedule.ts'
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: { confirm: { help: 'operators: it is right as it is, let schedules go on' } },
  operands: [0, 0],
  notes: `A wall clock that steps by more than five minutes against the monotonic one holds all schedules until it has been
steady for ten minutes, or is confirmed.`,
  async run({ values, terminal, client }) {
    const grid = await client()
    const clock = await grid.call(values.confirm ? 'confirmClock' : 'showClock')
    terminal.out(values.json ? json(clock) : `${clock.wallClock}: ${standing(clock)}\n`)
    return 0
  },
})

function standing({ held }: ClockView): string {
  if (held === null) return 'schedules follow it'
  const [by, left] = [Math.abs(held.steppedByMs), held.leftMs].map((ms) =>
    formatDuration(Math.ceil(ms / 1000) * 1000),
  )
  const direction = held.steppedByMs > 0 ? 'forward' : 'back'
  return `it stepped ${direction} by ${by}; schedules wait ${left} more, or for "eg clock --confirm"`
}
