/** `eg node lost`: a person vouches that nothing runs there any more, so that its work may start elsewhere. */
import { exitStatus } from '../../../proto/error-list.ts'
import { defineCommand, UsageError } from '../command.ts'
import { json } from '../render/json.ts'
import { reasonOption } from './cordon.ts'

export const command = defineCommand({
  usage: '--confirmed [OPTION…] NODE',
  options: {
    ...reasonOption,
    confirmed: { help: 'you have made sure: it is off, or all is dead' },
  },
  operands: [1, 1],
  notes: `What was placed there starts elsewhere at once. If the node still runs something, that then runs twice:
make sure that the machine is off.`,
  async run({ values, operands: [node = ''], terminal, client }) {
    if (!values.confirmed) {
      const sure = await terminal.ask(`is ${node} certainly off, with nothing running there?`)
      if (sure === null) throw new UsageError('make sure that it is off, and say --confirmed')
      if (!sure) return exitStatus.refused
    }
    const reason = values.reason === undefined ? {} : { reason: values.reason }
    const body = { confirmed: true as const, ...reason }
    const lost = await (await client()).call('loseNode', { params: { node }, body })
    terminal.out(values.json ? json(lost) : `node ${node} is lost; its work starts elsewhere\n`)
    return 0
  },
})
