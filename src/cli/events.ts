/** `eg events`: what happens in the grid, as it happens. */
import { events } from '../client/events.ts'
import { defineCommand } from './command.ts'
import { waitPatienceMs } from './job-end.ts'
import { printable } from './render/table.ts'
import { whole } from './values.ts'
import { timeText } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    follow: { short: 'f', help: 'go on with what happens from now on' },
    since: { value: 'ID', help: 'those after this event (default 0: all that are kept)' },
    job: { value: 'N', help: 'of this job' },
  },
  operands: [0, 0],
  async run({ values, terminal, client }) {
    const job = whole('job', values.job)
    const grid = await client(values.follow ? { patienceMs: waitPatienceMs } : {})
    const found = events(grid, {
      since: whole('since', values.since, [0, Number.MAX_SAFE_INTEGER]) ?? 0,
      follow: values.follow,
      signal: terminal.gone,
      ...(job === undefined ? {} : { job }),
    })
    for await (const event of found) {
      const about = [
        event.job === null
          ? null
          : `job ${event.job}${event.task === null ? '' : `.${event.task}`}`,
        event.schedule === null ? null : `schedule ${event.schedule}`,
        event.node === null ? null : `node ${event.node}`,
      ].filter((word) => word !== null)
      const line = [timeText(event.at), event.id, event.what, about.join(' '), event.detail]
      terminal.out(
        values.json
          ? `${JSON.stringify(event)}\n`
          : `${printable(line.filter((word) => word !== '').join('  '))}\n`,
      )
    }
    return 0
  },
})
