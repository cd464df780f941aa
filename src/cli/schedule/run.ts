/** `eg schedule run`: a firing now, through the same overlap gate as a due one. */
import { exitStatus } from '../../../proto/error-list.ts'
import { defineCommand } from '../command.ts'
import { json } from '../render/json.ts'
import { ofOwner, ownerOption } from './options.ts'

export const command = defineCommand({
  usage: '[OPTION…] NAME',
  options: ownerOption,
  operands: [1, 1],
  notes: 'Exit status 1 where the firing was skipped.',
  async run({ values, operands: [schedule = ''], terminal, client }) {
    const input = { params: { schedule }, query: ofOwner(values) }
    const firing = await (await client()).call('runSchedule', input)
    const skipped = firing.outcome === 'skipped' || firing.outcome === 'missed'
    if (values.json) terminal.out(json(firing))
    else if (skipped) terminal.say(`schedule ${schedule}: ${firing.outcome}: ${firing.why}`)
    else if (firing.jobId === null)
      terminal.out(`schedule ${schedule}: ${firing.outcome}: ${firing.why}\n`)
    else terminal.out(`job ${firing.jobId} submitted\n`)
    return skipped ? exitStatus.refused : exitStatus.done
  },
})
