/** What an entry of a crontab is here: a schedule with a job, from a jsub line or from any command. */
import { posix } from 'node:path'

import type { ScheduleRequest } from '../../../../proto/schedule.ts'
import { usualName } from '../jsub/job.ts'
import { understandJsub, type Surroundings } from '../jsub/understand.ts'
import { scheduleName } from '../valid-name.ts'
import type { Entry } from './lines.ts'
import { simpleCommand } from './simple-command.ts'

export type Place = {
  user: string
  home: string
  /** Of the account. */
  shell: string
  host: string
  now: number
  uid: number
  /** Of the machine, where CRON_TZ says none. */
  tz: string
  /** Folder of our commands: what an entry calls by its name is found there. */
  bin: string
}
export type Read =
  | {
      ok: true
      wish: string
      /** Of the schedule by its name; a job without a name of its own has that of the schedule. */
      schedule: (name: string) => ScheduleRequest
      notes: string[]
    }
  | { ok: false; problem: string }

export function readEntry(entry: Entry, place: Place): Read {
  const { home } = place
  const { variables } = entry
  const simple = entry.stdin === null ? simpleCommand(entry.command, { home, variables }) : null
  const [word = '', ...argv] = simple?.words ?? []
  const program = posix.basename(word)
  if (simple !== null && (program === 'jsub' || program === 'qcronsub'))
    return submission(program, argv, simple.folder, entry, place) ?? anyCommand(entry, place)
  return anyCommand(entry, place)
}

const policies = (entry: Entry, { tz }: Place) => ({
  expression: entry.expression,
  tz: entry.variables['CRON_TZ'] ?? tz,
})

/** As cron has it: little more than a home and a path. */
function environmentOf({ variables }: Entry, { home }: Place): Record<string, string> {
  const said = Object.entries(variables).filter(([name]) => name !== 'MAILTO' && name !== 'CRON_TZ')
  return { PATH: '/usr/bin:/bin', HOME: home, SHELL: '/bin/sh', ...Object.fromEntries(said) }
}

/** The job that the line would submit is submitted by the schedule itself; null: only a shell can do what it says. */
function submission(
  name: string,
  argv: readonly string[],
  folder: string | null,
  entry: Entry,
  place: Place,
): Read | null {
  const { home } = place
  const env = environmentOf(entry, place)
  const around: Surroundings = { ...place, cwd: folder ?? home, env }
  const understood = understandJsub(name, argv, around)
  if (!understood.ok) {
    if (understood.what === 'usage') return { ok: false, problem: `${name}: ${understood.problem}` }
    // It may be there by then: the line itself is tried each time, and says so in its files.
    const read = anyCommand(entry, place)
    return read.ok ? { ...read, notes: [`${name}: ${understood.problem}`] } : read
  }
  const { request, notes, sync } = understood.job
  if (request.kind === 'continuous' || sync || request.beginAt !== undefined) return null
  const { once = false, ...job } = request
  return {
    ok: true,
    wish: scheduleName(job.name),
    schedule: (schedule) => ({
      name: schedule,
      ...policies(entry, place),
      overlap: once ? 'forbid' : 'allow',
      // Also beside one that was submitted by hand.
      job: { ...job, ...(once ? { once } : {}) },
    }),
    notes,
  }
}

/** One at a time, with its output in files of its name, as Tool Labs' crontab rewrote it. */
function anyCommand(entry: Entry, place: Place): Read {
  const { home, bin } = place
  const env = environmentOf(entry, place)
  const command = entry.command.replace(/^(?:\/usr\/(?:local\/)?bin\/)?jlocal\s+/, '')
  return {
    ok: true,
    wish: wishOf(command),
    schedule: (name) => ({
      name,
      ...policies(entry, place),
      overlap: 'forbid',
      job: {
        name,
        kind: 'task',
        command: [env['SHELL'] ?? '/bin/sh', '-c', withInput(command, entry.stdin)],
        cwd: home,
        umask: place.uid > 50_000 ? 0o007 : 0o077,
        env: { ...env, PATH: `${bin}:${env['PATH']}` },
        out: `${home}/${name}.out`,
        err: `${home}/${name}.err`,
      },
    }),
    notes: [],
  }
}

function withInput(command: string, stdin: string | null): string {
  if (stdin === null) return command
  let mark = 'END_OF_INPUT'
  while (stdin.includes(mark)) mark += '_'
  return `{ ${command}\n} <<'${mark}'\n${stdin}\n${mark}\n`
}

const introductions =
  /^(?:jsub|jstart|qcronsub|qsub|jlocal|env|nice|nohup|time|timeout|flock|exec|\[|test|cd|python[\d.]*|php[\d.]*|perl|ruby|node|bash|sh|dash)$/

/** `cron-PROGRAM`, past folders that are entered first, interpreters and their flags. */
function wishOf(command: string): string {
  const named = /\s-N\s+([\w@+.-]+)/.exec(command)?.[1]
  const last =
    command.split(/&&|;|\|/).find((part) => !/^\s*(?:cd|\[|test)\s/.test(part)) ?? command
  const words = last.trim().split(/\s+/)
  const program = words.find(
    (word) => !/^-|^\w+=|^[<>\d]/.test(word) && !introductions.test(posix.basename(word)),
  )
  const name = named ?? usualName(program?.replaceAll(/["'{}()$]/g, '') || words[0] || 'job')
  return scheduleName(`cron-${name}`)
}
