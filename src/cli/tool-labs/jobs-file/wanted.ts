/** From what a file says of a job to the job itself, complete, or the sentences that say why not. */
import { posix } from 'node:path'

import { filledJob, jobDefaults, warnBeforeMs, warnSignal } from '../../../../proto/job-defaults.ts'
import type { JobRequest, JobSpec } from '../../../../proto/job.ts'
import type { CatchUp, Overlap } from '../../../../proto/schedule.ts'
import { dropUndefined } from '../../job-options.ts'
import { isJobName, isScheduleName } from '../valid-name.ts'
import type { Key, Said } from './keys.ts'

export type FullJob = Omit<JobSpec, 'after'>
export type When = {
  expression: string
  tz: string
  overlap: Overlap
  catchUp: CatchUp
  jitterMs: number
}
export type Wanted =
  | { kind: 'continuous'; name: string; job: FullJob }
  | { kind: 'schedule'; name: string; job: FullJob; when: When }
  | { kind: 'once'; name: string; job: FullJob; waitMs: number }

export const usualWhen = { tz: 'UTC', overlap: 'forbid', catchUp: 'none', jitterMs: 0 } as const
/** As `eg submit --check-command` has them. */
export const usualCheck = { intervalMs: 30_000, timeoutMs: 10_000, threshold: 3 } as const

/** Keys that say nothing for other kinds of jobs: better told than passed over. */
const onlyFor: Readonly<Record<Wanted['kind'], readonly Key[]>> = {
  continuous: [
    'restart',
    'silence',
    'port',
    'replicas',
    'publish',
    'health-check-script',
    'health-check-http',
    'check-interval',
    'check-timeout',
    'check-threshold',
  ],
  schedule: ['tz', 'overlap', 'catch-up', 'jitter', 'job-name'],
  once: ['wait'],
}
const notForContinuous: readonly Key[] = ['retry', 'array', 'max-running']
const kindWords = {
  continuous: 'jobs with "continuous: true"',
  schedule: 'jobs with a "schedule"',
  once: 'jobs that run once',
} as const

const kindOf = (said: Said): Wanted['kind'] =>
  said.schedule !== undefined ? 'schedule' : said.continuous ? 'continuous' : 'once'

/** All that is wrong, each with the key where it shows. */
export function problemsOf(said: Said): { key: Key; problem: string }[] {
  const kind = kindOf(said)
  const misplaced = (Object.keys(said) as Key[]).flatMap((key) => {
    if (kind === 'continuous' && notForContinuous.includes(key))
      return [{ key, problem: 'is for jobs that end' }]
    const only = (Object.keys(onlyFor) as Wanted['kind'][]).find((each) =>
      onlyFor[each].includes(key),
    )
    return only === undefined || only === kind
      ? []
      : [{ key, problem: `is for ${kindWords[only]}` }]
  })
  const rules: [boolean, Key, string][] = [
    [said.name === undefined, 'name', 'is missing'],
    [
      said.name !== undefined && !(kind === 'schedule' ? isScheduleName : isJobName)(said.name),
      'name',
      `"${said.name}" is not a name; start with a letter or _, go on with letters, digits and _ . @ + -`,
    ],
    [said.command === undefined, 'command', 'is missing'],
    [
      said.schedule !== undefined && said.continuous === true,
      'continuous',
      'and "schedule" exclude each other: a continuous job always runs',
    ],
    [
      said.image?.includes('/') === true,
      'image',
      `${said.image} has the program inside; nodes run what is in the home: put it there, name it in "command", leave "image" out`,
    ],
    [(said.replicas ?? 1) > 1, 'replicas', 'write a job for each copy, under its own name'],
    [said.publish === true, 'publish', 'this grid has no web proxy; leave it out'],
    [
      said['health-check-script'] !== undefined && said['health-check-http'] !== undefined,
      'health-check-http',
      'and "health-check-script" exclude each other',
    ],
    [
      said['health-check-http']?.startsWith('/') === true && said.port === undefined,
      'health-check-http',
      'a path needs a "port"; or write a whole URL',
    ],
    [
      !/^(https?:\/)?\//.test(said['health-check-http'] ?? '/'),
      'health-check-http',
      'is neither a path nor a URL',
    ],
    [
      writesNoFiles(said) &&
        (said.filelog === true ||
          said['filelog-stdout'] !== undefined ||
          said['filelog-stderr'] !== undefined),
      said.filelog === false ? 'filelog' : 'no-filelog',
      'and files for the output exclude each other',
    ],
  ]
  const broken = rules.filter(([isBroken]) => isBroken)
  return [...misplaced, ...broken.map(([, key, problem]) => ({ key, problem }))]
}

/** What is understood and does nothing here: told once for all jobs. */
export function notesOf(said: Said): Partial<Record<Key, string>> {
  return dropUndefined({
    image:
      said.image === undefined || said.image.includes('/')
        ? undefined
        : 'images are not used: jobs run with the programs that the nodes have',
    emails:
      said.emails === undefined || said.emails === 'none'
        ? undefined
        : 'this grid sends no mail; see how jobs fare with `eg jobs` and `eg history`',
    mount: said.mount === 'none' ? 'jobs always see the home' : undefined,
  })
}

/** Of a said that has no problems. */
export function wantedOf(said: Said, home: string): Wanted {
  const { name = '' } = said
  const job = filledJob(requestOf(said, home), jobDefaults)
  const kind = kindOf(said)
  if (kind === 'continuous') return { kind, name, job }
  if (kind === 'once') return { kind, name, job, waitMs: said.wait ?? 0 }
  const spoken = dropUndefined({
    tz: said.tz,
    overlap: said.overlap,
    catchUp: said['catch-up'],
    jitterMs: said.jitter,
  })
  return { kind, name, job, when: { expression: said.schedule ?? '', ...usualWhen, ...spoken } }
}

function requestOf(said: Said, home: string): JobRequest {
  const name = said['job-name'] ?? said.name ?? ''
  return {
    ...dropUndefined({
      env: environmentOf(said),
      umask: said.umask,
      stdin: said.stdin,
      ...outputOf(said, name),
      slots: said.slots,
      queue: said.queue,
      cpuCores: said.cpu,
      memBytes: said.mem,
      pids: said.pids,
      timeMs: said.timeout || undefined,
      where: said.where,
      resources: said.resources,
      priority: said.priority,
      array: said.array,
      maxRunning: said['max-running'],
      retry: said.retry,
      restart: said.restart,
      check: checkOf(said),
      silenceMs: said.silence,
      onPartition: said['on-partition'],
    }),
    name,
    kind: kindOf(said) === 'continuous' ? 'continuous' : 'task',
    command: said.command ?? [],
    cwd: posix.resolve(home, said.cwd ?? '.'),
    stop: {
      signal: said['stop-signal'] ?? 'SIGTERM',
      graceMs: said.grace ?? jobDefaults.graceMs,
    },
    warn: {
      signal: said['warn-signal'] ?? warnSignal,
      beforeMs: said['warn-before'] ?? warnBeforeMs(said.timeout || null),
    },
  }
}

const writesNoFiles = (said: Said): boolean => said.filelog === false || said['no-filelog'] === true

function outputOf(said: Said, name: string): { out: string; err: string } {
  if (writesNoFiles(said)) return { out: '/dev/null', err: '/dev/null' }
  return {
    out: said['filelog-stdout'] ?? `${name}.out`,
    err: said['filelog-stderr'] ?? `${name}.err`,
  }
}

function environmentOf(said: Said): Record<string, string> | undefined {
  if (said.port === undefined) return said.env
  return { ...said.env, PORT: String(said.port) }
}

function checkOf(said: Said): JobSpec['check'] | undefined {
  const argv = said['health-check-script']
  const http = said['health-check-http']
  if (argv === undefined && http === undefined) return undefined
  return {
    probe:
      argv === undefined
        ? { kind: 'http', url: http?.startsWith('/') ? localUrl(said.port, http) : (http ?? '') }
        : { kind: 'command', argv },
    intervalMs: said['check-interval'] ?? usualCheck.intervalMs,
    timeoutMs: said['check-timeout'] ?? usualCheck.timeoutMs,
    threshold: said['check-threshold'] ?? usualCheck.threshold,
  }
}

export const localUrl = (port: number | string | undefined, path: string): string =>
  `http://127.0.0.1:${port}${path}`
