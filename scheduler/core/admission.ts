/** From what a client sends to a complete JobSpec: defaults and checks, once, at the edge. */
import type { Refusal } from '../../proto/errors.ts'
import { filledJob, jobDefaults, type JobDefaults } from '../../proto/job-defaults.ts'
import type { Dependency, JobRequest, JobSpec } from '../../proto/job.ts'
import type { Result } from './result.ts'

export type AdmissionLimits = JobDefaults & {
  /** Of the whole spec as JSON: it travels with every order of the job. */
  specBytes: number
  arrayTasks: number
}

export const defaultLimits: AdmissionLimits = {
  ...jobDefaults,
  specBytes: 256 * 1024,
  arrayTasks: 10_000_000,
}

/** Queues that exist from the start, in order of priority. */
export const queues: Readonly<Record<string, { priority: number; kinds: readonly string[] }>> = {
  continuous: { priority: 10, kinds: ['continuous'] },
  task: { priority: 0, kinds: ['task'] },
}

export function completeSpec(
  request: JobRequest,
  after: Dependency[],
  limits: AdmissionLimits,
): Result<JobSpec> {
  const spec: JobSpec = { ...filledJob(request, limits), after }
  const refusal = problemOfSpec(spec, limits)
  return refusal ? { ok: false, refusal } : { ok: true, value: spec }
}

/** Broken or not; what is wrong; what to do. */
type Rule = [boolean, string, string]

/** The rules that a schema cannot say. */
export function problemOfSpec(spec: JobSpec, limits: AdmissionLimits): Refusal | null {
  const rules: Rule[] = [
    ...programRules(spec),
    [
      !(spec.queue in queues),
      `there is no queue "${spec.queue}"`,
      `queues here: ${Object.keys(queues).join(', ')}`,
    ],
    [
      queues[spec.queue]?.kinds.includes(spec.kind) === false,
      `queue "${spec.queue}" does not take ${spec.kind} jobs`,
      `leave --queue out, or take "${spec.kind}"`,
    ],
    [
      spec.array !== null && spec.kind === 'continuous',
      'a continuous job cannot be an array',
      'submit one job for each copy, under its own name',
    ],
    [
      spec.array !== null && spec.array.to < spec.array.from,
      'the array ends before it begins',
      'write it as FROM-TO, for example 1-100',
    ],
    [
      tasksOf(spec) > limits.arrayTasks,
      `an array may have ${limits.arrayTasks} tasks at most`,
      'split it into several jobs',
    ],
    [spec.command[0] === '', 'the command is empty', 'name a program after --'],
    [
      specBytes(spec) > limits.specBytes,
      `command, environment and the rest of the job have over ${limits.specBytes} bytes`,
      'put the data into a file',
    ],
    [
      spec.maxRunning !== null && spec.array === null,
      '--max-running is for arrays',
      'add --array or leave it out',
    ],
    [
      spec.retry > 0 && spec.kind === 'continuous',
      '--retry is for one-off jobs',
      'a continuous job is restarted for ever; leave it out',
    ],
    [
      spec.beginAt !== null && Number.isNaN(Date.parse(spec.beginAt)),
      `"${spec.beginAt}" is not a time`,
      'write it as 2026-11-23T08:00:00Z',
    ],
  ]
  const broken = rules.find(([isBroken]) => isBroken)
  return broken ? { code: 'refused', detail: broken[1], hint: broken[2] } : null
}

const programRules = (spec: JobSpec): Rule[] => [
  [
    spec.script !== undefined && !spec.command.includes('$JOB_SCRIPT'),
    'the command does not run its script',
    'name it in the command by the word $JOB_SCRIPT',
  ],
  [
    spec.exits !== undefined && spec.kind === 'continuous',
    'a continuous job is started again whatever it exits with',
    'leave exits out',
  ],
]

export function tasksOf(spec: Pick<JobSpec, 'array'>): number {
  return spec.array === null
    ? 1
    : Math.floor((spec.array.to - spec.array.from) / spec.array.step) + 1
}

/** At most six bytes of JSON for a UTF-16 unit; only what may be too long is measured in full. */
function specBytes(spec: JobSpec): number {
  let units = spec.script?.length ?? 0
  for (const argument of spec.command) units += argument.length
  for (const texts of [spec.env, spec.notes ?? {}])
    for (const [name, value] of Object.entries(texts)) units += name.length + value.length
  return units < 16_384 ? units : JSON.stringify(spec).length
}
