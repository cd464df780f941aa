/** From what a client sends to a complete JobSpec: defaults and checks, once, at the edge. */
import type { Refusal } from '../../proto/errors.ts'
import { jobDefaults, jobWith, type JobDefaults } from '../../proto/job-defaults.ts'
import type { Dependency, JobRequest, JobSpec } from '../../proto/job.ts'
import { problemOfLengths } from './exec-limits.ts'
import type { Result } from './result.ts'
import { problemOfSecrets } from './secret-env.ts'

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

export function completeSpec(
  request: JobRequest,
  after: Dependency[],
  limits: AdmissionLimits,
): Result<JobSpec> {
  const spec = jobWith(request, after, limits)
  const refusal = problemOfSpec(spec, limits)
  return refusal ? { ok: false, refusal } : { ok: true, value: spec }
}

/** The rules that a schema cannot say. */
export function problemOfSpec(spec: JobSpec, limits: AdmissionLimits): Refusal | null {
  return (
    problemOfProgram(spec) ??
    problemOfArray(spec, limits) ??
    problemOfSecrets(spec) ??
    problemOfLengths(spec) ??
    problemOfRest(spec, limits)
  )
}

const refused = (detail: string, hint: string): Refusal => ({ code: 'refused', detail, hint })

function problemOfArray(spec: JobSpec, limits: AdmissionLimits): Refusal | null {
  const { array, kind, maxRunning } = spec
  if (array === null)
    return maxRunning === null
      ? null
      : refused('--max-running is for arrays', 'add --array or leave it out')
  if (kind === 'continuous')
    return refused(
      'a continuous job cannot be an array',
      'submit one job for each copy, under its own name',
    )
  if (array.to < array.from)
    return refused('the array ends before it begins', 'write it as FROM-TO, for example 1-100')
  if (tasksOf(spec) > limits.arrayTasks)
    return refused(
      `an array may have ${limits.arrayTasks} tasks at most`,
      'split it into several jobs',
    )
  return null
}

function problemOfRest(spec: JobSpec, limits: AdmissionLimits): Refusal | null {
  if (spec.command[0] === '') return refused('the command is empty', 'name a program after --')
  const probe = spec.check?.probe
  if (probe?.kind === 'http' && !URL.canParse(probe.url))
    return refused(`"${probe.url}" is no URL`, 'write it as http://HOST:PORT/PATH')
  if (specBytes(spec) > limits.specBytes)
    return refused(
      `command, environment and the rest of the job have over ${limits.specBytes} bytes`,
      'put the data into a file',
    )
  if (spec.retry > 0 && spec.kind === 'continuous')
    return refused(
      '--retry is for one-off jobs',
      'a continuous job is restarted for ever; leave it out',
    )
  if (spec.timeMs === 0 || spec.silenceMs === 0) {
    const name = spec.timeMs === 0 ? 'time limit' : 'silence'
    return refused(`a ${name} of 0 would end every run at once`, 'leave it out to have none')
  }
  if (spec.beginAt !== null && Number.isNaN(Date.parse(spec.beginAt)))
    return refused(`"${spec.beginAt}" is not a time`, 'write it as 2026-11-23T08:00:00Z')
  return null
}

function problemOfProgram({ script, command, exits, kind }: JobSpec): Refusal | null {
  if (script !== undefined && !command.includes('$JOB_SCRIPT'))
    return refused(
      'the command does not run its script',
      'name it in the command by the word $JOB_SCRIPT',
    )
  if (exits !== undefined && kind === 'continuous')
    return refused('a continuous job is started again whatever it exits with', 'leave exits out')
  return null
}

export function tasksOf(spec: Pick<JobSpec, 'array'>): number {
  return spec.array === null
    ? 1
    : Math.floor((spec.array.to - spec.array.from) / spec.array.step) + 1
}

/** A dependency in JSON, in units of a text that needs all its escapes. */
const unitsOfDependency = 8

/**
 * At most six bytes of JSON for a UTF-16 unit; only what may be too long is measured in full. All is counted here that
 * the schema lets grow without end.
 */
function specBytes(spec: JobSpec): number {
  const { script = '', command, env, secretEnv, notes, where, after, check } = spec
  let units = script.length + unitsOfDependency * after.length
  for (const argument of command) units += argument.length
  if (check?.probe.kind === 'command')
    for (const argument of check.probe.argv) units += argument.length
  for (const texts of [env, secretEnv, notes, where])
    for (const name in texts) units += name.length + (texts[name]?.length ?? 0)
  return units < 16_384 ? units : JSON.stringify(spec).length
}
