/** Makes jobs and schedules as they are wanted, and tells for each what was done or would be. */
import { exitStatus } from '../../../proto/error-list.ts'
import { formatDuration } from '../../../proto/resources.ts'
import { ClientError } from '../../client/client-error.ts'
import type { Client } from '../../client/client.ts'
import { untilFinished } from '../job-end.ts'
import { json } from '../render/json.ts'
import { printable } from '../render/table.ts'
import type { Terminal } from '../terminal.ts'
import { whyText } from '../words.ts'
import { carryOut } from './jobs-file/carry-out.ts'
import { changesOf, type Change, type Difference } from './jobs-file/changes.ts'
import { presentJobs } from './jobs-file/present.ts'
import type { Wanted } from './jobs-file/wanted.ts'

export type Making = {
  home: string
  terminal: Terminal
  json: boolean
  dryRun: boolean
  prune: boolean
}

/** Its exit status: 1 where something was refused. */
export async function makeTrue(
  grid: Client,
  { wanted, notes }: { wanted: readonly Wanted[]; notes: readonly string[] },
  { home, terminal, json: asJson, dryRun, prune }: Making,
): Promise<number> {
  if (!asJson) for (const note of notes) terminal.say(printable(note))
  const names = new Set(wanted.map(({ name }) => name))
  const present = await presentJobs(grid, {
    wants: (name) => prune || names.has(name),
    once: wanted.some(({ kind }) => kind === 'once'),
  })
  const changes = changesOf(wanted, present, { home, prune })
  const told = dryRun ? changes.map(foretold) : await made(grid, changes, terminal, asJson)
  if (asJson) terminal.out(json({ changes: told, notes }))
  else if (dryRun) for (const each of told) terminal.out(foretoldText(each))
  return told.some(({ error }) => error !== null) ? exitStatus.refused : exitStatus.done
}

type Told = {
  name: string
  kind: Wanted['kind']
  what: Change['what']
  job: number | null
  differences: Difference[]
  detail: string
  error: string | null
}

const nameOf = (change: Change) =>
  'wanted' in change ? change.wanted : { name: change.present.name, kind: change.present.kind }

function foretold(change: Change): Told {
  const { name, kind } = nameOf(change)
  const details = {
    create: kind === 'once' ? 'would be started' : 'would be created',
    update: 'would be updated',
    keep: 'already up to date',
    remove: `would be ${kind === 'schedule' ? 'removed' : 'stopped'}`,
  }
  const isRunning = change.what === 'keep' && change.present.kind === 'once'
  const detail =
    change.what === 'remove'
      ? `${details.remove}, ${change.why}`
      : isRunning
        ? 'runs already'
        : details[change.what]
  const differences = change.what === 'update' ? change.differences : []
  return { name, kind, what: change.what, job: null, differences, detail, error: null }
}

function foretoldText({ name, detail, differences }: Told): string {
  const shown = (value: unknown) =>
    value === null ? '(usual)' : typeof value === 'string' ? value : JSON.stringify(value)
  const lines = differences.map(
    ({ key, before, after }) => `  ${key}: ${shown(before)} -> ${shown(after)}`,
  )
  return [`${name}: ${detail}`, ...lines].map((line) => `${printable(line)}\n`).join('')
}

/** One that fails does not keep the others from being made true. */
async function made(
  grid: Client,
  changes: readonly Change[],
  terminal: Terminal,
  isQuiet: boolean,
): Promise<Told[]> {
  const told: Told[] = []
  for (const change of changes) {
    const now = await one(grid, change)
    if (!isQuiet && now.error === null) terminal.out(`${now.name}: ${printable(now.detail)}\n`)
    else if (!isQuiet) terminal.say(`${now.name}: ${now.error}`)
    told.push(now)
  }
  return told
}

async function one(grid: Client, change: Change): Promise<Told> {
  const told = foretold(change)
  try {
    const { word, job } = await carryOut(grid, change)
    const waitMs =
      change.what === 'create' && change.wanted.kind === 'once' ? change.wanted.waitMs : 0
    const end =
      job !== null && waitMs > 0 ? await endOf(grid, job, waitMs) : { detail: '', error: null }
    return { ...told, job, detail: word + end.detail, error: end.error }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    const hint = error.hint === null ? '' : `; ${error.hint}`
    return { ...told, detail: '', error: `${error.detail}${hint}` }
  }
}

async function endOf(grid: Client, job: number, waitMs: number) {
  const late = AbortSignal.timeout(waitMs)
  try {
    const ended = await untilFinished(grid, String(job), { signal: late })
    if (ended.outcome === 'succeeded') return { detail: ', succeeded', error: null }
    return { detail: '', error: `job ${job} ${ended.outcome}: ${whyText(ended)}` }
  } catch (error) {
    if (!late.aborted) throw error
    const limit = formatDuration(waitMs)
    return { detail: '', error: `job ${job} is not finished within ${limit}; it goes on` }
  }
}
