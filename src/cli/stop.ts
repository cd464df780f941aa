/** `eg stop`: signal, grace, kill; with --wait until nothing of it runs. */
import { setTimeout as delay } from 'node:timers/promises'

import type { ActionReply } from '../../proto/api-jobs.ts'
import { exitStatus } from '../../proto/error-list.ts'
import type { Client } from '../client/client.ts'
import { defineCommand } from './command.ts'
import { untilFinished, waitPatienceMs } from './job-end.ts'
import { act, printActions, selectionOptions } from './selection.ts'
import type { Terminal } from './terminal.ts'
import { keyOf, meantBy, placesOf, unknownRuns, untilUnknownGone } from './unknown-runs.ts'

type Done = ActionReply['done']

/** What nobody knows may be on a node that nobody hears: whoever waits longer than this should know. */
const sayAfterMs = 5_000

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
      const unknown = reply.done.filter(({ name }) => name === '')
      const known = reply.done.filter(({ name }) => name !== '')
      await Promise.all([untilAllGone(grid, known), waitUnknown(grid, unknown, context.terminal)])
    }
    return exit
  },
})

/** They end at the same time, and are asked about one by one: many at once would be over a caller's quota. */
async function untilAllGone(grid: Client, known: Done): Promise<void> {
  for (const stopped of known) await untilGone(grid, stopped)
}

async function untilGone(grid: Client, { job, task }: Done[number]): Promise<void> {
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

/** A stop means what was known then: what is told of later is not waited for, since it was not asked to end. */
async function waitUnknown(grid: Client, done: Done, terminal: Terminal): Promise<void> {
  if (done.length === 0) return
  const { nodes } = await grid.call('listNodes')
  const asked = meantBy(done, unknownRuns(nodes))
  const late = AbortSignal.timeout(sayAfterMs)
  let isSaid = false
  const shown = await untilUnknownGone(grid, asked, (left) => {
    if (late.aborted && !isSaid) {
      isSaid = true
      terminal.say(`this waits for ${placesOf(left)}`)
    }
    return false
  })
  const meant = new Set(asked.map(keyOf))
  const others = meantBy(done, shown).filter((run) => !meant.has(keyOf(run)))
  if (others.length > 0)
    terminal.say(
      `${placesOf(others)} ${others.length === 1 ? 'was' : 'were'} not told of when this stop was asked for, and ` +
        `${others.length === 1 ? 'goes' : 'go'} on`,
    )
}
