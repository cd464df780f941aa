/** From what qsub was told to a job request. */
import { basename } from 'node:path'

import type { ArrayRange, JobRequest } from '../../../proto/job.ts'
import { Failure, rejected, usageFailure } from './failure.ts'
import { jobEnvironment, type Submitter } from './job-environment.ts'
import { isSaid, lastSaid, type Said } from './option-table.ts'
import { outputPaths } from './output-paths.ts'
import { environmentNames } from './parallel-environments.ts'
import { askedQueue, pickQueue } from './queue-names.ts'
import { askedFor, judgedResources, type Asked } from './resources.ts'
import { noteOf } from './submit-note.ts'
import { flagValue, type Told } from './submit-sources.ts'
import { dateValue, pathFor, taskRange } from './values.ts'

export type Around = Submitter & { now: number; isFolder: (path: string) => boolean }
export type Made = { request: JobRequest; labels: string[]; queue: string | null }

const defaultShell = '/bin/sh'
/** How long a job with -notify has between the warning and the end. */
const notifyMs = 60_000

export function jobRequest(command: string, told: Told, around: Around): Made {
  const { said } = told
  const pe = parallelEnvironment(said, environmentNames(around.env))
  const asked = resources(said, pe?.slots ?? 1)
  const wantedQueue = lastSaid(said, '-q') ?? asked.queue
  const queue = wantedQueue === null ? null : askedQueue(wantedQueue)
  const name = jobName(command, told)
  const cwd = workingFolder(said, around)
  const array = arrayOf(command, said)
  const shell =
    lastSaid(said, '-S') === undefined ? defaultShell : pathFor(lastSaid(said, '-S') ?? '')
  const env = jobEnvironment(said, around, {
    shell,
    queue: queue?.shown ?? 'all.q',
    pe: pe?.name ?? null,
  })
  const isMerged = flagValue(command, said, '-j') ?? false
  const paths = {
    name,
    isArray: array !== null,
    isMerged,
    cwd,
    home: around.home,
    user: around.user,
  }
  const where = { ...asked.request.where, ...queue?.where }
  const request: JobRequest = {
    kind: 'task',
    name,
    command: commandLine(
      told,
      shell,
      asked.processLimits,
      flagValue(command, said, '-shell') ?? true,
    ),
    cwd,
    env,
    exits: {
      again: 99,
      hold: 100,
      ...(flagValue(command, said, '-r') === true ? { lost: true } : {}),
    },
    notes: noteOf(told, around.cwd),
    ...asked.request,
    ...outputPaths(said, { ...paths, isFolder: around.isFolder }),
    ...ending(said, asked.request.timeMs ?? null),
    ...(told.script === null ? {} : { script: told.script }),
    ...(Object.keys(where).length > 0 ? { where } : {}),
    ...pickQueue(queue),
    ...slotsOf(pe?.slots ?? asked.slots),
    ...(array === null ? {} : { array }),
    ...concurrency(command, said, array !== null),
    ...timing(command, said, around.now),
    ...dependencies(command, said),
  }
  return { request, labels: asked.labels, queue: wantedQueue }
}

function resources(said: readonly Said[], slots: number): Asked {
  try {
    return askedFor(judgedResources(said), slots)
  } catch (error) {
    if (error instanceof Failure) throw rejected(error.text)
    throw error
  }
}

const slotsOf = (slots: number | null | undefined): Partial<JobRequest> =>
  slots && slots > 1 ? { slots } : {}

/** Of a range the least that satisfies it: it starts soonest. */
function parallelEnvironment(
  said: readonly Said[],
  known: readonly string[],
): { name: string; slots: number } | null {
  const found = said.findLast(({ flag }) => flag === '-pe')
  if (found === undefined) return null
  const [name = '', range = ''] = found.words
  if (!known.includes(name))
    throw rejected(`job rejected: the requested parallel environment "${name}" does not exist`)
  const [, least, open, most] = /^(\d*)(-?)(\d*)$/.exec(range) ?? []
  if (least === undefined || range === '')
    throw new Failure(`qsub: invalid slot range "${range}"`, 7)
  const slots = least === '' && open ? 1 : Number(least)
  if (slots < 1 || (most && Number(most) < slots))
    throw rejected('"job" rejected: pe range must be greater than zero')
  return { name, slots }
}

function jobName(command: string, { said, words, isBinary }: Told): string {
  const name = lastSaid(said, '-N')
  if (name === undefined) {
    const base = basename(words[0] ?? 'job').replaceAll(/[^A-Za-z0-9_.@+()[\]{}=,%#~-]/g, '_')
    return isBinary || words[0] !== 'STDIN'
      ? /^[A-Za-z_]/.test(base)
        ? base
        : `_${base}`
      : 'STDIN'
  }
  if (name.includes('/')) throw usageFailure(command, 'argument to -N option must not contain / ')
  if (/^\d/.test(name))
    throw rejected(`denied: "${name}" is not a valid object name (cannot start with a digit)`)
  if (name.includes(':')) throw rejected("Colon (':') not allowed in objectname")
  if (name.includes('*')) throw rejected("Asterisk ('*') not allowed in objectname")
  if (!/^[A-Za-z_][A-Za-z0-9_.@+()[\]{}=,%#~-]*$/.test(name))
    throw rejected(
      `denied: "${name}" is not a valid object name (letters, digits and _ . @ + - ( ) [ ] { } = , % # ~)`,
    )
  return name
}

function workingFolder(said: readonly Said[], { cwd, home }: Around): string {
  const last = said.findLast(({ flag }) => flag === '-cwd' || flag === '-wd')
  if (last === undefined) return home
  const folder = last.words[0]?.replace(/^\$HOME(?=\/|$)/, home)
  return folder === undefined ? cwd : folder.startsWith('/') ? folder : `${cwd}/${folder}`
}

/** A binary goes through the shell with its words joined by blanks, as Grid Engine does: `-shell n` keeps them apart. */
function commandLine(told: Told, shell: string, limits: string[], isShell: boolean): string[] {
  const [program = '', ...rest] = told.words
  const own = told.isBinary
    ? isShell
      ? [shell, '-c', [program, ...rest.map((word) => (word === '' ? '""' : word))].join(' ')]
      : [program, ...rest]
    : [shell, '$JOB_SCRIPT', ...rest]
  return limits.length === 0 ? own : ['prlimit', ...limits, '--', ...own]
}

function arrayOf(command: string, said: readonly Said[]): ArrayRange | null {
  const text = lastSaid(said, '-t')
  if (text === undefined) return null
  const range = taskRange(text)
  if (range === null)
    throw usageFailure(
      command,
      `Numerical value invalid!\nThe initial portion of string "${text}" contains no decimal number`,
      7,
    )
  if (range.from < 1) throw rejected(`job rejected: ${range.from} is an invalid task id`)
  return range
}

function concurrency(
  command: string,
  said: readonly Said[],
  isArray: boolean,
): Partial<JobRequest> {
  const text = lastSaid(said, '-tc')
  if (text === undefined) return {}
  const most = concurrencyOf(command, text)
  if (!isArray) throw rejected('invalid "task concurrency" value in job request')
  return most > 0 ? { maxRunning: most } : {}
}

/** 0: as many as there is room for. */
export function concurrencyOf(command: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw usageFailure(
    command,
    `invalid task concurrency number "${text}". Must be an integer greater or equal to 0.`,
    7,
  )
}

function timing(command: string, said: readonly Said[], now: number): Partial<JobRequest> {
  const begin = lastSaid(said, '-a')
  const beginAt = begin === undefined ? null : dateValue(begin, now)
  if (begin !== undefined && beginAt === null)
    throw new Failure(
      `\nInvalid format of date/hour-minute field.\n${command}: Wrong date/time format "${begin}" specified to -a option`,
      7,
    )
  const priority = lastSaid(said, '-p')
  return {
    ...(beginAt === null ? {} : { beginAt: new Date(beginAt).toISOString() }),
    ...(priority === undefined ? {} : { priority: priorityOf(command, priority) }),
    ...(isSaid(said, '-h') ? { hold: true } : {}),
  }
}

export function priorityOf(command: string, text: string): number {
  const value = Number(text)
  if (/^-?\d+$/.test(text) && value >= -1023 && value <= 1024) return value
  throw usageFailure(
    command,
    `invalid priority "${text}".  Must be an integer from -1023 to 1024`,
    7,
  )
}

function dependencies(command: string, said: readonly Said[]): Partial<JobRequest> {
  const lists = said.filter(({ flag }) => flag === '-hold_jid' || flag === '-hold_jid_ad')
  const jobs = lists.flatMap(({ flag, words: [list = ''] }) => {
    if (list === '')
      throw usageFailure(command, `Wrong jid_hold list format "" specified to ${flag} option`, 7)
    return list.split(',').filter((job) => job !== '')
  })
  if (jobs.length === 0) return {}
  return { after: jobs.map((job) => ({ job, on: 'any', all: true })) }
}

/** -notify: SIGUSR2, and a minute until the end; without it as everywhere here, SIGTERM and the usual grace. */
function ending(said: readonly Said[], timeMs: number | null): Partial<JobRequest> {
  if (!isSaid(said, '-notify')) return {}
  const signal = 'SIGUSR2'
  const stop = { signal, graceMs: notifyMs }
  if (timeMs === null) return { stop }
  return { stop, warn: { signal, beforeMs: Math.min(notifyMs, timeMs - 1) } }
}
