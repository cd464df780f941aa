/** qsub: a script, a piped script or a command becomes a job. */
import { statSync } from 'node:fs'

import { ClientError } from '../../client/client-error.ts'
import type { ProgramContext } from '../programs.ts'
import { withConsumables } from './consumables.ts'
import { originLines, programLines, requestLines, labelled } from './describe.ts'
import { Failure, gridEngineProgram, rejected, withHint } from './failure.ts'
import { jobRequest, type Around, type Made } from './job-request.ts'
import { isSaid, lastSaid } from './option-table.ts'
import { refuseUnknown, withoutEffect } from './refused-flags.ts'
import { submitFlags } from './submit-flags.ts'
import { readNote } from './submit-note.ts'
import { flagValue, readSources, type Told } from './submit-sources.ts'

export const program = gridEngineProgram(async (context) => {
  const { name, argv, terminal } = context
  const { env, cwd } = terminal
  const told = readSources(name, submitFlags, argv, {
    env,
    cwd,
    readInput: context.input,
  })
  const { said } = told
  if (isSaid(said, '-help')) {
    const { submitHelp } = await import('./help.ts')
    terminal.out(submitHelp(name, submitFlags))
    return 0
  }
  refuseUnknown(name, said, context.account().user)
  const made = jobRequest(name, told, surroundings(context))
  if (isSaid(said, '-verify')) {
    terminal.out(verified(told, made))
    return 0
  }
  for (const note of withoutEffect(name, said)) terminal.err(`${note}\n`)
  const isSynchronous = flagValue(name, said, '-sync') ?? false
  const isNow = flagValue(name, said, '-now') ?? false
  const level = lastSaid(said, '-w')
  if (level === 'v' || level === 'p') return verify(context, made)
  const { job, warnings } = await submit(context, made)
  terminal.out(submitted(job, made, isSaid(said, '-terse')))
  for (const warning of warnings) terminal.err(`${name}: ${warning}\n`)
  if (!isNow && !isSynchronous) return 0
  const { startedAtOnce, waitedFor } = await import('./qsub-wait.ts')
  const client = await context.client()
  if (isNow && !(await startedAtOnce(client, job, terminal))) return 1
  return isSynchronous ? waitedFor(client, job, terminal) : 0
})

function surroundings({ terminal, account, host }: ProgramContext): Around {
  const { env, cwd, now } = terminal
  const isFolder = (path: string) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  return { ...account(), host, env, cwd, now: now(), isFolder }
}

/** The words that clients read the number from. */
function submitted(job: number, { request }: Made, isTerse: boolean): string {
  const { array, name } = request
  const tasks = array ? `.${array.from}-${array.to}:${array.step}` : ''
  if (isTerse) return `${job}${tasks}\n`
  return `Your job${array ? '-array' : ''} ${job}${tasks} ("${name}") has been submitted\n`
}

async function submit(context: ProgramContext, said: Made) {
  const client = await context.client()
  const made = await withConsumables(client, said)
  try {
    return await client.call('submitJob', { body: made.request })
  } catch (error) {
    throw error instanceof ClientError ? refusal(error, made) : error
  }
}

/** In Grid Engine's words where it has some, else in ours. */
function refusal(error: ClientError, { labels, queue }: Made): Error {
  const { code, detail } = error
  const all = withHint(error)
  if (code === 'unreachable' || code === 'unavailable')
    return rejected(`unable to send message to qmaster: ${detail}`)
  if (code === 'over-quota') return rejected(`job rejected: ${all}`, 25)
  if (code === 'can-never-run') {
    const [label] = labels
    return label !== undefined && detail.includes(label)
      ? rejected(`unknown resource "${label}"`)
      : rejected(`error: no suitable queues: ${all}`)
  }
  if (code === 'forbidden' && detail.startsWith('priority '))
    return rejected('job rejected: positive submission priority requires operator privileges')
  return queue !== null && detail.includes('no queue')
    ? rejected(`Job was rejected because job requests unknown queue "${queue}"`)
    : rejected(`job rejected: ${all}`)
}

/** -w v and -w p: would any node take it? */
async function verify(context: ProgramContext, made: Made): Promise<number> {
  try {
    await submit(context, { ...made, request: { ...made.request, dryRun: true } })
  } catch (error) {
    if (!(error instanceof Failure) || !error.text.includes('no suitable queues')) throw error
    const reason = error.text.split('\n', 1)[0]?.replace('error: no suitable queues: ', '')
    throw new Failure(`${reason}\nverification: no suitable queues\nExiting.`, 1)
  }
  context.terminal.out('verification: found suitable queue(s)\n')
  return 0
}

/** -verify: the job as it would be submitted. */
function verified(told: Told, { request }: Made): string {
  const note = readNote(request.notes)
  const spec = {
    ...request,
    name: request.name ?? '',
    env: request.env ?? {},
    priority: request.priority ?? 0,
  }
  const script = told.script
  return [
    labelled('job_number', 'unassigned'),
    labelled('owner', ''),
    labelled('uid', '0'),
    labelled('group', ''),
    labelled('gid', '0'),
    ...originLines(spec, note),
    ...requestLines(spec, note, true),
    labelled('verify', '-verify'),
    ...programLines(spec, note, script === null ? null : Buffer.byteLength(script)),
    ...(script === null ? [] : ['script_ptr:            ', script]),
    labelled('job_type', script === null ? 'binary' : 'NONE'),
    '',
  ].join('\n')
}
