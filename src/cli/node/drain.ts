/** `eg node drain`: moves work off a node, then holds it empty. */
import { setTimeout as delay } from 'node:timers/promises'

import type { DrainStep, DrainView } from '../../../proto/node.ts'
import type { Client } from '../../client/client.ts'
import { CommandError, defineCommand } from '../command.ts'
import { waitPatienceMs } from '../job-end.ts'
import { dropUndefined } from '../job-options.ts'
import { json } from '../render/json.ts'
import { drainText } from '../render/node.ts'
import { printable } from '../render/table.ts'
import type { Terminal } from '../terminal.ts'
import { duration, oneOf, whole } from '../values.ts'
import { counted } from '../words.ts'
import { reasonOption } from './cordon.ts'

export const command = defineCommand({
  usage: '[OPTION…] NODE',
  options: {
    ...reasonOption,
    deadline: { value: 'DURATION', help: 'one-off tasks may finish until then (default: none)' },
    then: { value: 'WHAT', help: 'at the deadline: requeue, kill or wait' },
    'at-once': { value: 'N', help: 'continuous jobs moved at once (default 4)' },
    'dry-run': { help: 'only say who would be moved where, and what would not fit' },
    watch: { short: 'w', help: 'show progress until nothing is left there' },
  },
  operands: [1, 1],
  notes: [
    'With --watch an interrupt ends the watching only; the drain goes on. Said again of a node',
    'that is being drained, what is not said stays as it was.',
  ].join('\n'),
  async run({ values, operands: [node = ''], terminal, client }) {
    const body = dropUndefined({
      reason: values.reason,
      deadlineMs: values.deadline === 'none' ? null : duration('deadline', values.deadline),
      then: oneOf('then', values.then, ['requeue', 'kill', 'wait']),
      atOnce: whole('at-once', values['at-once'], [1, 1000]),
      dryRun: values['dry-run'] || undefined,
    })
    const grid = await client(values.watch ? { patienceMs: waitPatienceMs } : {})
    const drain = await grid.call('drainNode', { params: { node }, body })
    if (values.watch && !values['dry-run']) {
      const done = await watch(grid, node, values.json ? null : terminal)
      if (values.json) terminal.out(json(done))
      return 0
    }
    terminal.out(values.json ? json(drain) : drainText(drain, terminal))
    return 0
  },
})

const everyMs = 500

/** One line for each change, until the agent attests that nothing is left. */
async function watch(grid: Client, node: string, terminal: Terminal | null): Promise<DrainView> {
  const shown = new Map<string, string>()
  let left = -1
  for (;;) {
    const { drain } = await grid.call('showNode', { params: { node } })
    if (drain === null) throw new CommandError(`the drain of ${node} was ended`)
    for (const step of drain.steps) {
      const line = stepText(step)
      if (shown.get(step.task) !== line) terminal?.out(`${printable(line)}\n`)
      shown.set(step.task, line)
    }
    if (drain.left !== left) terminal?.out(`${counted(drain.left, 'task')} left on ${node}\n`)
    left = drain.left
    if (drain.state === 'drained') {
      terminal?.out(`${node} is drained\n`)
      return drain
    }
    await delay(everyMs)
  }
}

function stepText({ task, name, what, to, detail }: DrainStep): string {
  const target = to === null ? '' : ` to ${to}`
  return `${task} ${name}: ${what}${target}${detail === '' ? '' : `: ${detail}`}`
}
