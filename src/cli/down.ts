/** `eg down`: ends the grid that `eg up` runs; with --stop-jobs all jobs first. */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { openClient, type Client } from '../client/client.ts'
import { dataFolderDefault } from '../lib/endpoint.ts'
import { CommandError, defineCommand } from './command.ts'
import { endProcess, leftOverDaemons } from './daemons/left-over.ts'
import type { Identity } from './daemons/process-identity.ts'
import { readUpFile } from './daemons/up-file.ts'
import { untilUnknownGone } from './job-end.ts'
import { listJobs } from './job-list.ts'
import type { Terminal } from './terminal.ts'
import { counted } from './words.ts'

export const command = defineCommand({
  usage: '[OPTION…]',
  options: {
    data: {
      value: 'DIR',
      help: 'data folder of the grid (default: $EVERGRID_DATA, else as "eg help" says)',
    },
    'stop-jobs': { help: 'first stop all jobs of everybody, and wait until nothing runs' },
  },
  operands: [0, 0],
  async run({ values, terminal }) {
    const folder = resolve(values.data ?? dataFolderDefault())
    const grid = readUpFile(folder)
    const leftOver = grid === null ? leftOverIn(folder) : []
    if (grid === null && (leftOver.length === 0 || values['stop-jobs'])) {
      throw new CommandError(`no "eg up" runs from ${folder}`, {
        hint: values['stop-jobs']
          ? 'jobs that it left running are ended by "eg up", then "eg down --stop-jobs"'
          : 'say --data DIR if it runs from another folder',
      })
    }
    if (grid !== null && values['stop-jobs']) {
      const client = openClient({ url: grid.url })
      try {
        await stopAll(client, terminal)
        await stopUnknown(client)
        await tellUnknown(client, terminal)
      } finally {
        client.close()
      }
    }
    for (const daemon of grid === null ? leftOver : [grid]) await endProcess(daemon)
    terminal.out(`the grid in ${folder} is down\n`)
    return 0
  },
})

function leftOverIn(folder: string): Identity[] {
  try {
    return leftOverDaemons(folder)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code === 'EACCES') {
      throw new CommandError(`${folder} is closed to this account`, {
        exit: 4,
        hint: 'run this as the account that the grid runs as',
      })
    }
    const why = code === 'ENOTDIR' ? 'it is no folder' : message
    throw new CommandError(`the data folder ${folder} cannot be read: ${why}`)
  }
}

/** What runs and a restored database does not know. */
async function stopUnknown(client: Client): Promise<void> {
  const { nodes } = await client.call('listNodes', {})
  const tasks = nodes.flatMap(({ unknownRuns }) => unknownRuns.map(({ task }) => task))
  // Of a run without a record the task is the beginning of its name.
  const jobs = new Set(tasks.flatMap((task) => /^\d+\.\d+/.exec(task)?.[0] ?? []))
  if (jobs.size === 0) return
  const { done } = await client.call('stopJobs', { body: { jobs: [...jobs], why } })
  for (const { job, task } of done) await untilUnknownGone(client, `${job}.${task}.`)
}

/** What no record explains, and names no job that could be stopped. */
async function tellUnknown(client: Client, terminal: Terminal): Promise<void> {
  const { nodes } = await client.call('listNodes', {})
  const tasks = nodes.flatMap(({ name, unknownRuns }) =>
    unknownRuns.map(({ task }) => `${task} on ${name}`),
  )
  if (tasks.length > 0)
    terminal.say(
      `${counted(tasks.length, 'run')} of jobs that the grid does not know, since a restore, ` +
        `${tasks.length === 1 ? 'goes' : 'go'} on: ${tasks.slice(0, 10).join(', ')}${tasks.length > 10 ? ', …' : ''}`,
    )
}

const pageSize = 100_000
const why = 'eg down --stop-jobs'

/** Again and again, since a schedule may fire meanwhile. */
async function stopAll(client: Client, terminal: Terminal): Promise<void> {
  let told = -1
  const asked = new Set<number>()
  for (;;) {
    const { jobs } = await listJobs(client, { all: true }, pageSize)
    if (jobs.length === 0) return
    const fresh = jobs.filter(({ id }) => !asked.has(id))
    for (const owner of new Set(fresh.map((job) => job.owner))) {
      const body = { all: true, owner, why }
      const { refused } = await client.call('stopJobs', { body })
      const first = refused[0]
      if (first) throw new CommandError(`${first.ref}: ${first.detail}`)
    }
    for (const { id } of fresh) asked.add(id)
    if (jobs.length !== told) terminal.say(`${counted(jobs.length, 'job')} to end`)
    told = jobs.length
    await delay(100)
  }
}
