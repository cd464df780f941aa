/** qalter: what may be changed of a live job. */
import { statSync } from 'node:fs'

import type { JobEdit, JobSpec } from '../../../proto/job.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Client } from '../../client/client.ts'
import type { ProgramContext } from '../programs.ts'
import { Failure, gridEngineProgram, usageFailure, withHint } from './failure.ts'
import { inTurn } from './job-action.ts'
import { concurrencyOf, priorityOf } from './job-request.ts'
import { jobWords } from './job-words.ts'
import { isSaid, lastSaid, readFlags, type Said } from './option-table.ts'
import { outputPaths } from './output-paths.ts'
import { askedFor, judgedResources } from './resources.ts'
import { alterFlags } from './submit-flags.ts'
import { readNote, saidOf } from './submit-note.ts'
import { dateValue, yesNo } from './values.ts'

/** What each flag changes, and how Grid Engine tells it; in its order of telling. */
const changes: Readonly<Record<string, string>> = {
  '-a': 'execution time',
  '-l': 'hard resource list',
  '-o': 'stdout path list',
  '-e': 'stderr path list',
  '-tc': 'task concurrency',
}

export const program = gridEngineProgram(async (context) => {
  const { terminal, argv, name } = context
  const { toolHelp } = await import('./help.ts')
  const read = readFlags(alterFlags, argv)
  if (!read.ok) throw usageFailure(name, read.problem)
  const { said, operands } = read
  if (isSaid(said, '-help')) {
    terminal.out(toolHelp('qalter', alterFlags))
    return 0
  }
  if (operands.length === 0)
    throw new Failure(`${toolHelp('qalter', alterFlags)}ERROR! no option argument`, 1)
  const other = said.find(({ flag }) => !Object.hasOwn(changes, flag) && flag !== '-p')
  if (other)
    throw new Failure(
      `qalter: ${other.flag} cannot be changed of a job that is there; submit it again with it`,
      1,
    )
  const words = jobWords(operands, [])
  if (words.some((word) => word.kind === 'job' && word.tasks !== null))
    throw usageFailure(name, 'a job is changed as a whole; name it without its tasks', 1)
  const client = await context.client()
  return inTurn(words, (word) =>
    alter(context, client, word.kind === 'job' ? word.id : word.name, said),
  )
})

async function alter(
  context: ProgramContext,
  client: Client,
  job: string,
  said: readonly Said[],
): Promise<number> {
  const { terminal, account, host } = context
  const { user } = account()
  const params = { job }
  try {
    const { spec, id } = await client.call('showJob', { params })
    const body = { ...editOf(said, spec.slots, terminal.now()), ...paths(context, spec, said) }
    const note = readNote(spec.notes)
    if (note !== null) {
      const changed = said.map(({ flag, words: list }): [string, ...string[]] => [flag, ...list])
      const flags = [...note.flags.filter(([flag]) => !isSaid(said, flag)), ...changed]
      body.notes = { ...spec.notes, qsub: JSON.stringify({ ...note, flags }) }
    }
    await client.call('editJob', { params, body })
    for (const [flag, what] of Object.entries(changes))
      if (isSaid(said, flag)) terminal.out(`modified ${what} of job ${id}\n`)
    if (isSaid(said, '-p'))
      terminal.out(
        `${user}@${host} sets scheduling priority of job ${id} to ${lastSaid(said, '-p')}\n`,
      )
    return 0
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    terminal.out(`${refusal(error, user, job)}\n`)
    return 1
  }
}

function refusal(error: ClientError, user: string, job: string): string {
  if (
    error.code === 'not-found' ||
    (error.code === 'wrong-state' && error.detail.includes('finished'))
  )
    return `denied: job "${job}" does not exist`
  if (error.code !== 'forbidden') return withHint(error)
  return error.detail.startsWith('priority ')
    ? `denied: "${user}" must be operator to increase job priority`
    : `denied: "${user}" must be at least owner of job ${job} to change job attributes`
}

function editOf(said: readonly Said[], slots: number, now: number): JobEdit {
  const begin = lastSaid(said, '-a')
  const beginAt = begin === undefined ? null : dateValue(begin, now)
  if (begin !== undefined && beginAt === null)
    throw usageFailure('qalter', `Wrong date/time format "${begin}" specified to -a option`, 7)
  const priority = lastSaid(said, '-p')
  const concurrency = lastSaid(said, '-tc')
  const { memBytes, timeMs } = limits(said, slots)
  return {
    ...(memBytes === undefined ? {} : { memBytes }),
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(beginAt === null ? {} : { beginAt: new Date(beginAt).toISOString() }),
    ...(priority === undefined ? {} : { priority: priorityOf('qalter', priority) }),
    ...(concurrency === undefined
      ? {}
      : { maxRunning: concurrencyOf('qalter', concurrency) || null }),
  }
}

/** Memory and time; anything else that -l may ask for would need another node or another command. */
function limits(said: readonly Said[], slots: number): JobEdit {
  if (!isSaid(said, '-l')) return {}
  const { request, labels, processLimits } = askedFor(judgedResources(said), slots)
  const [label] = labels
  if (label !== undefined) throw new Failure(`unknown resource "${label}"`, 1)
  if (request.where !== undefined || processLimits.length > 0)
    throw new Failure('qalter: of -l only memory and h_rt can be changed; submit it again', 1)
  return request
}

function paths({ account }: ProgramContext, spec: JobSpec, said: readonly Said[]) {
  const note = readNote(spec.notes)
  // One file for both since the submit: it goes where -o says, and -e says nothing.
  const isMerged = note !== null && yesNo(lastSaid(saidOf(note), '-j') ?? '') === true
  if (isMerged && !isSaid(said, '-o')) return {}
  const { user, home } = account()
  const { name, cwd, array } = spec
  const isFolder = (path: string) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  const { out, err } = outputPaths(said, {
    ...{ name, cwd, user, home, isFolder },
    isArray: array !== null,
    isMerged,
  })
  return { ...(out === undefined ? {} : { out }), ...(err === undefined ? {} : { err }) }
}
