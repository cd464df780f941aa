/** `eg down`: ends the grid that `eg up` runs; with --stop-jobs all jobs first. */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { jobDefaults } from '../../proto/job-defaults.ts'
import { openClient, type Client } from '../client/client.ts'
import { dataFolderDefault } from '../lib/endpoint.ts'
import { CommandError, defineCommand } from './command.ts'
import { endProcess, leftOverDaemons } from './daemons/left-over.ts'
import type { Identity } from './daemons/process-identity.ts'
import { readUpFile } from './daemons/up-file.ts'
import { stopMarginMs } from './job-end.ts'
import { listJobs } from './job-list.ts'
import type { Terminal } from './terminal.ts'
import { meantBy, placeOf, unknownRuns, untilUnknownGone } from './unknown-runs.ts'
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
        await stopUnknown(client, terminal)
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

/**
 * What runs and the database does not know. Only what is on nodes that are heard can be waited for, and of these not all
 * may end: a process that cannot be killed, a damaged record that stays.
 */
async function stopUnknown(client: Client, terminal: Terminal): Promise<void> {
  const { nodes } = await client.call('listNodes', {})
  const runs = unknownRuns(nodes)
  const jobs = [...new Set(runs.flatMap(({ task }) => task ?? []))]
  if (jobs.length === 0) return
  const { done, refused } = await client.call('stopJobs', { body: { jobs, why } })
  for (const { ref, detail } of refused) terminal.say(`${ref}: ${detail}`)
  const asked = meantBy(done, runs).filter(({ state }) => state === 'up')
  if (asked.length === 0) return
  terminal.say(`${counted(asked.length, 'unknown run')} to end`)
  const late = AbortSignal.timeout(jobDefaults.graceMs + stopMarginMs)
  await untilUnknownGone(
    client,
    asked,
    (left) => late.aborted || left.every(({ state }) => state === 'silent' || state === 'lost'),
  )
}

/** What is left then: with the grid goes who could say it. */
async function tellUnknown(client: Client, terminal: Terminal): Promise<void> {
  const { nodes } = await client.call('listNodes', {})
  const runs = unknownRuns(nodes)
  if (runs.length === 0) return
  const where = runs.length === 1 ? 'is left on its node' : 'are left on their nodes'
  terminal.say(`${counted(runs.length, 'run')} of no live job ${where}:`)
  for (const run of runs.slice(0, toldAtMost)) terminal.say(`  ${placeOf(run)}: ${run.detail}`)
  if (runs.length > toldAtMost) terminal.say('  …')
}

const toldAtMost = 10
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
