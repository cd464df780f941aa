/** A job in the lines of `qstat -j` and `qsub -verify`: a label of 28 columns and what was asked for. */
import type { JobSpec } from '../../../proto/job.ts'
import { printable } from '../render/table.ts'
import { saidVariables } from './job-environment.ts'
import { allSaid, isSaid, lastSaid, type Said } from './option-table.ts'
import { inSeconds } from './requested.ts'
import { resourcesOf, type Resource } from './resources.ts'
import { saidOf, type SubmitNote } from './submit-note.ts'
import { yesNo } from './values.ts'

export const labelled = (label: string, value: string): string =>
  `${`${label}:`.padEnd(28)}${printable(value)}`

type Entry = [label: string, value: string | null]
const printed = (entries: readonly Entry[]): string[] =>
  entries.flatMap(([label, value]) => (value === null ? [] : [labelled(label, value)]))

type Asked = Pick<JobSpec, 'name' | 'command' | 'cwd' | 'env' | 'priority'>

/** Where it was submitted. */
export const originLines = (spec: Asked, note: SubmitNote | null): string[] =>
  printed([
    ['sge_o_home', spec.env['SGE_O_HOME'] ?? spec.env['HOME'] ?? ''],
    ['sge_o_log_name', spec.env['SGE_O_LOGNAME'] ?? ''],
    ['sge_o_path', spec.env['SGE_O_PATH'] ?? spec.env['PATH'] ?? ''],
    ['sge_o_shell', spec.env['SGE_O_SHELL'] ?? ''],
    ['sge_o_workdir', note?.cwd ?? spec.cwd],
    ['sge_o_host', spec.env['SGE_O_HOST'] ?? ''],
  ])

/** What was asked for, up to the job's name; `asTyped` leaves values as they were written. */
export function requestLines(spec: Asked, note: SubmitNote | null, asTyped = false): string[] {
  const said = note === null ? [] : saidOf(note)
  const { hard, soft } = resourcesOf(said)
  const begin = lastSaid(said, '-a')
  return printed([
    ['execution_time', begin ?? null],
    ['account', asTyped ? null : (lastSaid(said, '-A') ?? 'sge')],
    ['cwd', isSaid(said, '-cwd') || isSaid(said, '-wd') ? spec.cwd : null],
    ['stderr_path_list', paths(said, '-e')],
    ['reserve', yesNo(lastSaid(said, '-R') ?? '') ? 'y' : null],
    ['merge', yesNo(lastSaid(said, '-j') ?? '') ? 'y' : null],
    ['hard resource_list', resourceList(hard, asTyped)],
    ['soft resource_list', resourceList(soft, asTyped)],
    ['mail_options', lastSaid(said, '-m') ?? null],
    [
      'mail_list',
      lastSaid(said, '-M') ?? `${spec.env['SGE_O_LOGNAME'] ?? ''}@${spec.env['SGE_O_HOST'] ?? ''}`,
    ],
    ['notify', isSaid(said, '-notify') ? 'TRUE' : 'FALSE'],
    ['job_name', spec.name],
    ['stdout_path_list', paths(said, '-o')],
    ['stdin_path_list', paths(said, '-i')],
    ['priority', spec.priority === 0 ? null : String(spec.priority)],
    ['jobshare', lastSaid(said, '-js') ?? '0'],
    ['restart', restartWord(said)],
    ['hard_queue_list', lastSaid(said, '-q') ?? null],
    ['shell_list', shells(said)],
  ])
}

/** What runs, and on how many slots. */
export function programLines(
  spec: Asked,
  note: SubmitNote | null,
  size: number | null = null,
): string[] {
  const said = note === null ? [] : saidOf(note)
  const [script, ...args] = note?.words ?? spec.command
  return printed([
    ['env_list', variableList(said, spec.env)],
    ['job_args', args.length > 0 ? args.join(',') : null],
    ['script_size', size === null ? null : String(size)],
    ['script_file', script ?? ''],
    ['parallel environment', environmentOf(said)],
    ['jid_predecessor_list (req)', allSaid(said, '-hold_jid').join(',') || null],
  ])
}

const paths = (said: readonly Said[], flag: string): string | null => {
  const path = lastSaid(said, flag)
  if (path === undefined) return null
  const [, host, rest] = /^([^/:]*):(.*)$/s.exec(path) ?? [null, null, path]
  return `NONE:${host || 'NONE'}:${rest}`
}

const shells = (said: readonly Said[]): string | null =>
  lastSaid(said, '-S') === undefined ? null : `NONE:${lastSaid(said, '-S')}`

function restartWord(said: readonly Said[]): string | null {
  const may = yesNo(lastSaid(said, '-r') ?? '')
  return may === null ? null : may ? 'y' : 'n'
}

function environmentOf(said: readonly Said[]): string | null {
  const [name, range] = said.findLast(({ flag }) => flag === '-pe')?.words ?? []
  return name === undefined ? null : `${name} range: ${range}`
}

function resourceList(resources: readonly Resource[], asTyped: boolean): string | null {
  if (resources.length === 0) return null
  return resources
    .map((one) => (asTyped ? one : inSeconds(one)))
    .map(({ name, value }) => `${name}=${value}`)
    .join(',')
}

function variableList(said: readonly Said[], env: Readonly<Record<string, string>>): string {
  const own = saidVariables(said)
    .filter(([name]) => name !== 'TERM')
    .map(([name]) => (env[name] === undefined ? name : `${name}=${env[name]}`))
  return [env['TERM'] === undefined ? 'TERM' : `TERM=${env['TERM'] || 'NONE'}`, ...own].join(',')
}
