/** What a job is where it does not say: used by the scheduler's admission, and to compare jobs with files. */
import type { Dependency, JobRequest, JobSpec } from './job.ts'

export type JobDefaults = {
  /** Memory given where a job does not say; as Tool Labs gave. */
  memBytes: number
  pids: number
  graceMs: number
  warnMs: number
}

export const jobDefaults: JobDefaults = {
  memBytes: 512 * 2 ** 20,
  pids: 1024,
  graceMs: 10_000,
  warnMs: 30_000,
}

/** As Grid Engine's -notify and LSF warn; not SIGUSR1, at which Node opens its debugger to the whole machine. */
export const warnSignal = 'SIGUSR2'

/** So long before the time limit a run is warned: half of it, where that is shorter. */
export const warnBeforeMs = (
  timeMs: number | null | undefined,
  { warnMs }: Pick<JobDefaults, 'warnMs'> = jobDefaults,
): number => Math.min(warnMs, Math.floor((timeMs ?? Number.POSITIVE_INFINITY) / 2))

/** All that a job says but its dependencies, which only the scheduler can look up. */
export function filledJob(
  request: Omit<JobRequest, 'after'>,
  defaults: JobDefaults,
): Omit<JobSpec, 'after'> {
  const { after: _, ...job } = jobWith(request, [], defaults)
  return job
}

/** The whole job, with the dependencies that the scheduler has looked up. Nothing is checked. */
export function jobWith(
  request: Omit<JobRequest, 'after'>,
  after: Dependency[],
  defaults: JobDefaults,
): JobSpec {
  const kind = request.kind ?? 'task'
  const job: JobSpec = {
    name: request.name ?? nameOf(request.command[0] ?? 'job'),
    kind,
    command: request.command,
    env: request.env ?? {},
    cwd: request.cwd,
    umask: request.umask ?? 0o022,
    stdin: request.stdin ?? null,
    out: request.out ?? null,
    err: request.err ?? null,
    slots: request.slots ?? 1,
    cpuCores: request.cpuCores ?? null,
    memBytes: request.memBytes ?? defaults.memBytes,
    pids: request.pids ?? defaults.pids,
    timeMs: request.timeMs ?? null,
    queue: request.queue ?? kind,
    where: request.where ?? {},
    priority: request.priority ?? 0,
    array: request.array ?? null,
    maxRunning: request.maxRunning ?? null,
    retry: request.retry ?? 0,
    hold: request.hold ?? false,
    beginAt: request.beginAt ?? null,
    restart: request.restart ?? 'always',
    check: request.check ?? null,
    silenceMs: request.silenceMs ?? null,
    stop: request.stop ?? { signal: 'SIGTERM', graceMs: defaults.graceMs },
    warn: request.warn ?? { signal: warnSignal, beforeMs: warnBeforeMs(request.timeMs, defaults) },
    onPartition: request.onPartition ?? (kind === 'continuous' ? 'stop' : 'keep'),
    after,
  }
  // Not spread: with thousands of jobs in a second that would be a tenth of all the work.
  if (request.secretEnv !== undefined) job.secretEnv = request.secretEnv
  if (request.resources !== undefined) job.resources = request.resources
  if (request.script !== undefined) job.script = request.script
  if (request.exits !== undefined) job.exits = request.exits
  if (request.notes !== undefined) job.notes = request.notes
  return job
}

/** The basename of the command, made a valid job name. */
function nameOf(command: string): string {
  const base = command.slice(command.lastIndexOf('/') + 1).replaceAll(/[^A-Za-z0-9_.@+-]/g, '_')
  return (/^[A-Za-z_]/.test(base) ? base : `_${base}`).slice(0, 128)
}
