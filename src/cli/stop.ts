/** `eg stop`: signal, grace, kill; with --wait until nothing of it runs. */
import { setTimeout as delay } from 'node:timers/promises'

import type { ActionReply } from '../../proto/api-jobs.ts'
import { exitStatus } from '../../proto/error-list.ts'
import type { Client } from '../client/client.ts'
import { defineCommand } from './command.ts'
import { untilFinished, untilUnknownGone, waitPatienceMs } from './job-end.ts'
import { act, printActions, selectionOptions } from './selection.ts'

export const command = defineCommand({
  usage: '[OPTION…] JOB… | --all | --name PATTERN',
  options: {
    ...selectionOptions,
    wait: { short: 'w', help: 'wait until nothing of them runs' },
  },
  operands: [0, Number.MAX_SAFE_INTEGER],
  async run(context) {
    const grid = await context.client(context.values.wait ? { patienceMs: waitPatienceMs } : {})
    const reply = await act(context, grid, 'stopJobs', 'stop')
    if (reply === null) return exitStatus.refused
    const exit = printActions(reply, context)
    if (context.values.wait && !context.values['dry-run']) {
      await Promise.all(reply.done.map((stopped) => untilGone(grid, stopped)))
    }
    return exit
  },
})

async function untilGone(
  grid: Client,
  { job, task, name }: ActionReply['done'][number],
): Promise<void> {
  if (name === '') {
    await untilUnknownGone(grid, task === null ? `${job}.` : `${job}.${task}.`)
    return
  }
  if (task === null) {
    await untilFinished(grid, String(job))
    return
  }
  const query = { tasks: String(task) }
  for (;;) {
    const { tasks } = await grid.call('showJob', { params: { job: String(job) }, query })
    if (tasks.every(({ state }) => state === 'finished')) return
    await delay(500)
  }
}
