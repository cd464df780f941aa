/** From what is said to jsub to a job request; everything that it needs of the world is handed in. */
import { posix } from 'node:path'

import type { JobRequest } from '../../../../proto/job.ts'
import { jobEnvironment, type Submitter } from '../../grid-engine/job-environment.ts'
import { allSaid, isSaid, lastSaid, type Said } from '../../grid-engine/option-table.ts'
import { dateValue, memoryValue, pathFor, timeValue, yesNo } from '../../grid-engine/values.ts'
import { dropUndefined } from '../../job-options.ts'
import { basicEnvironment } from '../../job-request.ts'
import { isJobName } from '../valid-name.ts'

export type World = Submitter & {
  now: number
  uid: number
  isFolder: (path: string) => boolean
  /** The site keeps the old way: the words of a one-off go through a shell a second time. */
  throughShell: boolean
}

export type JsubJob = {
  request: JobRequest & { name: string; out: string; err: string }
  quiet: boolean
  /** Its own errors go to the terminal only, not into the job's file as well. */
  terminalOnly: boolean
  sync: boolean
  /** Mode of output files that are not there yet. */
  fileMode: number
  /** What was said and does nothing here. */
  notes: string[]
}
export type Understood = { ok: true; job: JsubJob } | { ok: false; problem: string }

class Misread extends Error {}

export function jsubJob(
  said: readonly Said[],
  [program = '', ...args]: string[],
  world: World,
): Understood {
  try {
    return { ok: true, job: jobOf(said, program, args, world) }
  } catch (error) {
    if (!(error instanceof Misread)) throw error
    return { ok: false, problem: error.message }
  }
}

function jobOf(said: readonly Said[], program: string, args: string[], world: World): JsubJob {
  const continuous = isSaid(said, '-continuous')
  const name = nameOf(said, program)
  const cwd = folderOf(said, world)
  const files = filesOf(said, name, cwd, world)
  const command =
    world.throughShell && !continuous
      ? [world.env['SHELL'] ?? '/bin/sh', '-c', [program, ...args].join(' ')]
      : [program, ...args]
  const umask = umaskOf(said, world.uid)
  const { limits, notes } = resourcesOf(said)
  refuseNow(said)
  return {
    request: {
      ...dropUndefined({
        ...limits,
        memBytes: memoryOf(said, limits.memBytes),
        queue: lastSaid(said, '-q'),
        stdin: lastSaid(said, '-i'),
        priority: read(said, '-p', (text) => (/^-?\d+$/.test(text) ? Number(text) : null)),
        beginAt: read(said, '-a', (text) => beginTime(text, world.now)),
        restart: continuous ? ('on-failure' as const) : undefined,
        once: isSaid(said, '-once') || continuous || undefined,
      }),
      kind: continuous ? 'continuous' : 'task',
      name,
      command,
      cwd,
      umask,
      ...files,
      env: environmentOf(said, continuous, world),
    },
    quiet: isSaid(said, '-quiet'),
    terminalOnly: isSaid(said, '-stderr'),
    sync: yes(lastSaid(said, '-sync')) && !continuous,
    fileMode: 0o666 & ~umask,
    notes: [...notes, ...mailNotes(said)],
  }
}

function nameOf(said: readonly Said[], program: string): string {
  const name = lastSaid(said, '-N') ?? usualName(program)
  if (!isJobName(name)) throw new Misread(`argument -N: '${name}' is not a name`)
  return name
}

/** The program's name up to its first dot. */
export function usualName(program: string): string {
  const base = posix.basename(program)
  const short = base.split('.')[0] || base
  return short.replaceAll(/[^A-Za-z0-9_@+-]/g, '_').replace(/^(?![A-Za-z_])/, '_')
}

function folderOf(said: readonly Said[], { home, cwd }: World): string {
  const last = said.findLast(({ flag }) => flag === '-cwd' || flag === '-wd')
  if (last === undefined) return home
  return last.flag === '-cwd' ? cwd : posix.resolve(home, last.words[0] ?? '.')
}

/** In the home, not in the working folder, unless said. */
function filesOf(said: readonly Said[], name: string, cwd: string, { home, isFolder }: World) {
  const place = (flag: string, ending: string): string => {
    const path = lastSaid(said, flag)
    if (path === undefined) return `${home}/${name}.${ending}`
    const full = posix.resolve(cwd, pathFor(path))
    return isFolder(full) ? posix.join(full, `${name}.${ending}`) : full
  }
  const out = place('-o', 'out')
  return { out, err: yes(lastSaid(said, '-j')) ? out : place('-e', 'err') }
}

function read<T>(
  said: readonly Said[],
  flag: string,
  parse: (text: string) => T | null,
): T | undefined {
  const text = lastSaid(said, flag)
  if (text === undefined) return undefined
  const value = parse(text)
  if (value === null) throw new Misread(`argument ${flag}: '${text}' cannot be read`)
  return value
}

/** Tools share their files with all who maintain them; people do not. */
function umaskOf(said: readonly Said[], uid: number): number {
  const given = read(said, '-umask', (text) =>
    /^[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) : null,
  )
  return given ?? (uid > 50_000 ? 0o007 : 0o077)
}

type Limits = { memBytes?: number; timeMs?: number; where?: Record<string, string> }

/** `-l` as Grid Engine reads it. What named the operating system there names nothing here. */
function resourcesOf(said: readonly Said[]): { limits: Limits; notes: string[] } {
  const limits: Limits = {}
  const notes: string[] = []
  const pairs = allSaid(said, '-l').flatMap((words) => words.split(','))
  const release = lastSaid(said, '-release')
  if (release !== undefined) pairs.push(`release=${release}`)
  for (const pair of pairs.filter((each) => each !== '')) {
    const at = pair.indexOf('=')
    const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    const parsed = name === 'h_rt' || name === 's_rt' ? timeValue(value) : memoryValue(value)
    if (name === 'release') notes.push(`release=${value} is not asked for: jobs run on any node`)
    else if (!['h_vmem', 'virtual_free', 'mem_free', 'h_rt', 's_rt'].includes(name))
      throw new Misread(`argument -l: unknown resource '${name}'`)
    else if (parsed === Number.POSITIVE_INFINITY) continue
    else if (parsed === null) throw new Misread(`argument -l: '${pair}' cannot be read`)
    else if (name === 'h_rt' || name === 's_rt') limits.timeMs = parsed * 1000
    else limits.memBytes = Math.max(limits.memBytes ?? 0, parsed)
  }
  return { limits, notes }
}

/** Said both ways, the greater one. */
function memoryOf(said: readonly Said[], ofResources: number | undefined): number | undefined {
  const given = read(said, '-mem', memory)
  const sizes = [given, ofResources].filter((each) => each !== undefined)
  return sizes.length === 0 ? undefined : Math.max(...sizes)
}

/** As qsub would have set it, and what programs need to find their own. */
function environmentOf(said: readonly Said[], continuous: boolean, world: World) {
  const queue = lastSaid(said, '-q') ?? (continuous ? 'continuous' : 'task')
  return {
    ...basicEnvironment(world.env),
    ...jobEnvironment(said, world, { shell: world.shell, queue, pe: null }),
  }
}

/** Digits and a letter, powers of 1024. */
function memory(text: string): number | null {
  const match = /^(\d+)([kmg])$/i.exec(text)
  return match && Number(match[1]) * 1024 ** ('kmg'.indexOf(match[2]?.toLowerCase() ?? '') + 1)
}

function beginTime(text: string, now: number): string | null {
  const at = dateValue(text, now)
  return at === null ? null : new Date(at).toISOString()
}

const yes = (text: string | undefined): boolean => text !== undefined && yesNo(text) === true

function refuseNow(said: readonly Said[]): void {
  if (yes(lastSaid(said, '-now')))
    throw new Misread("argument -now: a job waits for its place here; leave it out, or say 'n'")
}

function mailNotes(said: readonly Said[]): string[] {
  const when = lastSaid(said, '-m')
  return when === undefined || when === 'n'
    ? []
    : [`-m ${when}: this grid sends no mail; see how jobs fare with eg jobs and eg history`]
}
