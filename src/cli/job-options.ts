/** The options that describe a job, shared by submit, edit and schedules, and what they say as a request. */
import { warnBeforeMs, warnSignal } from '../../proto/job-defaults.ts'
import type { JobKind, JobRequest } from '../../proto/job.ts'
import { UsageError } from './command.ts'
import type { OptionTable, Values } from './options.ts'
import {
  arrayRange,
  beginTime,
  dependency,
  duration,
  oneOf,
  pairs,
  positive,
  resourceAsks,
  signal,
  size,
  whole,
} from './values.ts'

/** What may be changed while a job lives. */
export const editableOptions = {
  slots: { value: 'N', help: 'processor share (default 1)' },
  cpu: { value: 'CORES', help: 'hard processor limit, for example 0.5' },
  mem: { value: 'SIZE', help: 'memory limit, for example 512M' },
  pids: { value: 'N', help: 'how many processes and threads it may have' },
  time: { value: 'DURATION', help: 'time limit of one run, for example 1h30m' },
  where: { value: 'KEY=VALUE', many: true, help: 'label that the node must have' },
  resource: {
    value: 'NAME[=N]',
    many: true,
    help: 'named resource that each task holds while it has a place (default 1 of it); "none"',
  },
  cwd: { value: 'DIR', help: 'working directory (default: the present one)' },
  out: { value: 'FILE', help: 'file for its output (default NAME.oID; continuous: NAME.out)' },
  err: { value: 'FILE', help: 'file for its errors (default NAME.eID; continuous: NAME.err)' },
  env: { value: 'NAME[=VALUE]', many: true, help: 'set a variable; NAME alone passes yours on' },
  'secret-env': {
    value: 'NAME[=FILE]',
    many: true,
    help: 'set a variable from a file or from standard input; kept encrypted, told to nobody',
  },
  priority: { value: 'N', help: 'from -1023 to 1024; above 0 for operators' },
  'max-running': { value: 'N', help: 'how many tasks of an array run at once' },
  retry: { value: 'N', help: 'run a failed task again, up to N times' },
  begin: { value: 'TIME', help: 'not before: 2026-11-23T18:00, 18:00, +90m or now' },
  restart: { value: 'POLICY', help: 'of a continuous job: always (default) or on-failure' },
  'check-command': { value: 'COMMAND', help: 'liveness: a shell command that must exit 0' },
  'check-http': { value: 'URL', help: 'liveness: a URL that must answer with 2xx or 3xx' },
  'check-interval': { value: 'DURATION', help: 'between checks (default 30s)' },
  'check-timeout': { value: 'DURATION', help: 'of one check (default 10s)' },
  'check-threshold': { value: 'N', help: 'failures in a row until it is restarted (default 3)' },
  silence: { value: 'DURATION', help: 'no output for so long counts as unhealthy' },
  'stop-signal': { value: 'SIGNAL', help: 'what asks it to end (default TERM)' },
  grace: { value: 'DURATION', help: 'from the stop signal to SIGKILL (default 10s)' },
  'warn-signal': { value: 'SIGNAL', help: 'told before the time limit (default USR2)' },
  'warn-before': {
    value: 'DURATION',
    help: 'how long before the time limit (default 30s, at most half of it)',
  },
  'on-partition': { value: 'WHAT', help: 'node cut off: stop (default of continuous) or keep' },
} as const satisfies OptionTable

export const jobOptions = {
  name: {
    value: 'NAME',
    short: 'n',
    help: 'name of the job (default: that of the command, or of the schedule)',
  },
  ...editableOptions,
  queue: { value: 'QUEUE', help: 'queue (default: by kind)' },
  stdin: { value: 'FILE', help: 'file that it reads as standard input' },
  after: { value: 'JOB[:ok|:any|:fail]', many: true, help: 'start when that job has so ended' },
  array: { value: 'A-B[:STEP]', help: 'one task for each number' },
  hold: { help: 'do not start before "eg release"' },
  continuous: { help: 'keep it running: start it again whenever it ends' },
} as const satisfies OptionTable

type Said = Values<typeof editableOptions>
type Fields = Partial<JobRequest>
/** Where and when the command line was typed. */
export type Surroundings = {
  cwd: string
  now: number
  env: Readonly<Record<string, string | undefined>>
}

/** Only what was said; what an option says about half of a pair is completed from `present`. */
export function editableFields(said: Said, around: Surroundings, present: Present = {}): Fields {
  const timeMs = duration('time', said.time)
  return dropUndefined({
    slots: whole('slots', said.slots),
    cpuCores: positive('cpu', said.cpu),
    memBytes: size('mem', said.mem),
    pids: whole('pids', said.pids),
    timeMs,
    where: said.where.length > 0 ? pairs('where', said.where) : undefined,
    resources: resourceAsks(said.resource),
    out: said.out,
    err: said.err,
    priority: whole('priority', said.priority, [-1023, 1024]),
    maxRunning: whole('max-running', said['max-running']),
    retry: whole('retry', said.retry, [0, 1000]),
    beginAt: beginTime(said.begin, around.now),
    restart: oneOf('restart', said.restart, ['always', 'on-failure']),
    check: checkOf(said, present),
    silenceMs: duration('silence', said.silence),
    stop: stopOf(said, present),
    warn: warnOf(said, present, timeMs),
    onPartition: oneOf('on-partition', said['on-partition'], ['stop', 'keep']),
  })
}

export function jobFields(
  said: Values<typeof jobOptions>,
  around: Surroundings,
  present: Present = {},
): Fields {
  const kind: JobKind = said.continuous ? 'continuous' : 'task'
  const misplaced = (said.continuous ? ofTasks : ofContinuous).find((option) =>
    isSaid(said[option]),
  )
  if (misplaced !== undefined) {
    throw new UsageError(
      `--${misplaced} is for ${said.continuous ? 'one-off' : '--continuous'} jobs`,
    )
  }
  if (said['max-running'] !== undefined && said.array === undefined && !present.array)
    throw new UsageError('--max-running is for arrays: add --array or leave it out')
  return dropUndefined({
    kind,
    name: said.name,
    ...editableFields(said, around, present),
    queue: said.queue,
    stdin: said.stdin,
    after: said.after.length > 0 ? said.after.map(dependency) : undefined,
    array: arrayRange(said.array),
    hold: said.hold || undefined,
  })
}

const ofTasks = ['array', 'retry', 'max-running'] as const
const ofContinuous = ['restart', 'check-command', 'check-http', 'silence'] as const
const isSaid = (value: unknown) => (Array.isArray(value) ? value.length > 0 : Boolean(value))

/** Of the job as it is, for `eg edit`: `--grace` alone keeps the stop signal. */
export type Present = Pick<Partial<JobRequest>, 'stop' | 'warn' | 'check' | 'array'>

function stopOf(said: Said, { stop }: Present): JobRequest['stop'] {
  if (said['stop-signal'] === undefined && said.grace === undefined) return undefined
  return {
    signal: signal('stop-signal', said['stop-signal']) ?? stop?.signal ?? 'SIGTERM',
    graceMs: duration('grace', said.grace) ?? stop?.graceMs ?? 10_000,
  }
}

function warnOf(said: Said, { warn }: Present, timeMs: number | undefined): JobRequest['warn'] {
  if (said['warn-signal'] === undefined && said['warn-before'] === undefined) return undefined
  return {
    signal: signal('warn-signal', said['warn-signal']) ?? warn?.signal ?? warnSignal,
    beforeMs:
      duration('warn-before', said['warn-before']) ?? warn?.beforeMs ?? warnBeforeMs(timeMs),
  }
}

function checkOf(said: Said, { check }: Present): JobRequest['check'] {
  const command = said['check-command']
  const url = said['check-http']
  if (command !== undefined && url !== undefined) {
    throw new UsageError('take one of --check-command and --check-http')
  }
  const intervalMs = duration('check-interval', said['check-interval'])
  const timeoutMs = duration('check-timeout', said['check-timeout'])
  const threshold = whole('check-threshold', said['check-threshold'])
  const probe =
    command !== undefined
      ? { kind: 'command' as const, argv: ['/bin/sh', '-c', command] }
      : url !== undefined
        ? { kind: 'http' as const, url }
        : check?.probe
  if ([command, url, intervalMs, timeoutMs, threshold].every((value) => value === undefined)) {
    return undefined
  }
  if (probe === undefined) {
    throw new UsageError('name what is checked: --check-command COMMAND or --check-http URL')
  }
  return {
    probe,
    intervalMs: intervalMs ?? check?.intervalMs ?? 30_000,
    timeoutMs: timeoutMs ?? check?.timeoutMs ?? 10_000,
    threshold: threshold ?? check?.threshold ?? 3,
  }
}

export function dropUndefined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never
}
