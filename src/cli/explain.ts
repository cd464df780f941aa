/** `eg explain`: why a job waits, and the way out. */
import { defineCommand } from './command.ts'
import { json } from './render/json.ts'
import { printable } from './render/table.ts'
import { counted } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…] JOB',
  options: {},
  operands: [1, 1],
  async run({ values, operands: [job = ''], terminal, client }) {
    const said = await (await client()).call('explainJob', { params: { job } })
    if (values.json) {
      terminal.out(json(said))
      return 0
    }
    const lines = [
      `job ${said.job}: ${said.summary}`,
      ...said.reasons
        .filter(({ detail }) => !said.summary.endsWith(detail))
        .map(({ detail }) => `  ${detail}`),
      ...(said.ahead === null || said.ahead === 0
        ? []
        : [`  ${counted(said.ahead, 'waiting task')} before it`]),
      ...(said.wayOut === null ? [] : [`what would let it start: ${said.wayOut}`]),
    ]
    terminal.out(lines.map((line) => `${printable(line)}\n`).join(''))
    return 0
  },
})
