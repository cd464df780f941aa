/** The record of one run, as qacct prints it: label in 13 columns, values in 20. */
import { constants } from 'node:os'

import type { Cause } from '../../../proto/cause.ts'
import type { JobDetail, Run } from '../../../proto/job.ts'
import { printable } from '../render/table.ts'
import { longTime } from './job-rows.ts'
import { lastSaid } from './option-table.ts'
import { shownQueue } from './queue-names.ts'
import { readNote, saidOf } from './submit-note.ts'

const failures = {
  19: 'before writing exit_status',
  25: 'rescheduling',
  26: 'opening input/output file',
  27: 'searching requested shell',
  28: 'changing into working directory',
  30: 'application error returned',
  37: 'qmaster enforced h_rt, h_cpu, or h_vmem limit',
  100: 'assumedly after job',
} as const
type Failed = 0 | keyof typeof failures
type End = { failed: Failed; status: number }

/** How Grid Engine would say it: its number for where a job failed, and 128+N for a signal. */
function endOf(cause: Cause | null, detail: JobDetail): End {
  if (cause === null) return { failed: 0, status: 0 }
  switch (cause.kind) {
    case 'exit':
      return { failed: exitFailure(cause.code, detail), status: cause.code }
    case 'signal':
      return { failed: 100, status: 128 + signalNumber(cause.signal) }
    case 'time-limit':
      return { failed: 37, status: 137 }
    case 'node-lost':
    case 'lease-expired':
    case 'drained':
    case 'outcome-unknown':
      return { failed: 19, status: 0 }
    case 'could-not-start':
      return { failed: startFailures[cause.call] ?? 26, status: 0 }
    case 'out-of-memory':
    case 'cancelled':
    case 'restarted':
    case 'unhealthy':
    case 'dependency-failed':
      return { failed: 100, status: 137 }
    default:
      return cause satisfies never
  }
}

const startFailures: Readonly<Record<string, Failed>> = { open: 26, execve: 27, chdir: 28 }
const signalNumber = (name: string): number => constants.signals[name as NodeJS.Signals] ?? 0

function exitFailure(code: number, { spec }: JobDetail): Failed {
  if (code === spec.exits?.again) return 25
  return code === spec.exits?.hold ? 30 : 0
}

const signalNames: Readonly<Record<number, string>> = {
  1: 'Hangup',
  2: 'Interrupt',
  3: 'Quit',
  4: 'Illegal instruction',
  6: 'Aborted',
  7: 'Bus error',
  8: 'Floating point exception',
  9: 'Killed',
  10: 'User defined signal 1',
  11: 'Segmentation fault',
  12: 'User defined signal 2',
  13: 'Broken pipe',
  14: 'Alarm clock',
  15: 'Terminated',
}

const wide = (value: string | number): string => String(value).padEnd(20)
const line = (label: string, value: string): string => `${label.padEnd(13)}${printable(value)}\n`
const time = (at: string | null): string => (at === null ? '-/-' : longTime(Date.parse(at)))
const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)}s`

export function recordText(detail: JobDetail, task: number, run: Run): string {
  const { failed, status } = endOf(run.cause, detail)
  const note = readNote(detail.spec.notes)
  const said = note === null ? [] : saidOf(note)
  const [pe] = said.findLast(({ flag }) => flag === '-pe')?.words ?? []
  const values: [string, string][] = [
    ['qname', wide(shownQueue(detail.queue))],
    ['hostname', wide(run.node)],
    ['group', wide(detail.owner)],
    ['owner', wide(detail.owner)],
    ['project', wide('NONE')],
    ['department', wide('defaultdepartment')],
    ['jobname', wide(detail.name)],
    ['jobnumber', wide(detail.id)],
    ['taskid', detail.array === null ? 'undefined' : wide(task)],
    ['account', wide(lastSaid(said, '-A') ?? 'sge')],
    ['priority', wide(detail.priority)],
    ['qsub_time', time(detail.submittedAt)],
    ['start_time', time(run.startedAt)],
    ['end_time', time(run.endedAt)],
    ['granted_pe', wide(pe ?? 'NONE')],
    ['slots', wide(detail.slots)],
    ['failed', failed === 0 ? '0    ' : `${String(failed).padEnd(4)}: ${failures[failed]}`],
    ['exit_status', statusText(status)],
    ...usageValues(run),
  ]
  return `${'='.repeat(62)}\n${values.map(([label, value]) => line(label, value)).join('')}`
}

function statusText(status: number): string {
  if (status <= 128) return wide(status)
  const number = status - 128
  return `${wide(status)} (${signalNames[number] ?? `Unknown signal ${number}`})`
}

/** What is not measured for each run is 0, as Grid Engine prints what it does not know. */
function usageValues({ startedAt, endedAt, usage }: Run): [string, string][] {
  const wallMs =
    startedAt === null || endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(startedAt)
  const cpu = seconds(usage?.cpuMs ?? 0)
  const zeros = (...labels: string[]) => labels.map((label): [string, string] => [label, '0.000B'])
  const counts = (...labels: string[]) => labels.map((label): [string, string] => [label, wide(0)])
  return [
    ['ru_wallclock', `${Math.floor(wallMs / 1000)}s`],
    ['ru_utime', cpu],
    ['ru_stime', '0.000s'],
    ['ru_maxrss', size(usage?.peakMemBytes ?? 0)],
    ...zeros('ru_ixrss', 'ru_ismrss', 'ru_idrss', 'ru_isrss'),
    ...counts('ru_minflt', 'ru_majflt', 'ru_nswap', 'ru_inblock', 'ru_oublock'),
    ...counts('ru_msgsnd', 'ru_msgrcv', 'ru_nsignals', 'ru_nvcsw', 'ru_nivcsw'),
    ['cpu', cpu],
    ['mem', '0.000Bs'],
    ['io', size((usage?.readBytes ?? 0) + (usage?.writtenBytes ?? 0))],
    ['iow', '0.000s'],
    ['maxvmem', size(usage?.peakMemBytes ?? 0)],
    ['arid', 'undefined'],
    ['ar_sub_time', 'undefined'],
    ['category', 'NONE'],
  ]
}

function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const step = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** step).toFixed(3)}${units[step]}`
}
