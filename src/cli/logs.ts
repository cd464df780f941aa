/** `eg logs`: a job's output, from whichever node has it. */
import { exitStatus } from '../../proto/error-list.ts'
import { readLog } from '../client/log-reader.ts'
import { defineCommand } from './command.ts'
import { waitPatienceMs } from './job-end.ts'
import { whole } from './values.ts'

export const command = defineCommand({
  usage: '[OPTION…] JOB',
  options: {
    follow: { short: 'f', help: 'go on until the job is finished' },
    err: { short: 'e', help: 'its standard error instead' },
    run: { value: 'N', help: 'of this run only' },
    tail: { short: 'n', value: 'N', help: 'begin with the last N lines' },
  },
  operands: [1, 1],
  notes: `With --json one object per line: {"data": TEXT} or {"note": TEXT}.
Exit status 1 where some of the output cannot be read: what is left of it is printed, and what is missing told.`,
  async run({ values, operands: [job = ''], terminal, client }) {
    const run = whole('run', values.run)
    const tail = whole('tail', values.tail, [0, 1_000_000])
    const grid = await client(values.follow ? { patienceMs: waitPatienceMs } : {})
    const pieces = readLog(grid, job, {
      stream: values.err ? 'err' : 'out',
      follow: values.follow,
      signal: terminal.gone,
      ...(run === undefined ? {} : { run }),
      ...(tail === undefined ? {} : { tail }),
    })
    const decoder = new TextDecoder()
    let isWhole = true
    for await (const { data, note, missing } of pieces) {
      if (missing) isWhole = false
      if (values.json) {
        if (note !== null) terminal.out(`${JSON.stringify({ note })}\n`)
        const text = decoder.decode(data, { stream: true })
        if (text !== '') terminal.out(`${JSON.stringify({ data: text })}\n`)
        continue
      }
      if (note !== null) terminal.say(note)
      if (data.length > 0) await terminal.bytes(data)
    }
    return isWhole ? exitStatus.done : exitStatus.refused
  },
})
