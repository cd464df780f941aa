/** From a job that lives to what a file would say of it: only what differs from the usual. */
import { jobDefaults, warnBeforeMs, warnSignal } from '../../../../proto/job-defaults.ts'
import { dropUndefined } from '../../job-options.ts'
import type { Said } from './keys.ts'
import { localUrl, usualCheck, usualWhen, type FullJob, type Wanted, type When } from './wanted.ts'

export function saidOf(wanted: Wanted, home: string): Said {
  const { name, job } = wanted
  return dropUndefined({
    name,
    command: job.command,
    ...(wanted.kind === 'continuous' ? { continuous: true } : {}),
    ...(wanted.kind === 'schedule' ? whenSaid(wanted.when) : {}),
    'job-name': job.name === name ? undefined : job.name,
    ...sizesSaid(job),
    ...filesSaid(job),
    ...environmentSaid(job, home),
    ...checkSaid(job),
    cwd: unless(home, job.cwd),
    stdin: job.stdin ?? undefined,
    umask: unless(0o022, job.umask),
    queue: unless(job.kind, job.queue),
    array: job.array ?? undefined,
    'max-running': job.maxRunning ?? undefined,
    retry: unless(0, job.retry),
    restart: unless('always', job.restart),
    silence: job.silenceMs ?? undefined,
    'stop-signal': unless('SIGTERM', job.stop.signal),
    grace: unless(jobDefaults.graceMs, job.stop.graceMs),
    'warn-signal': unless(warnSignal, job.warn.signal),
    'warn-before': unless(warnBeforeMs(job.timeMs), job.warn.beforeMs),
    'on-partition': unless(job.kind === 'continuous' ? 'stop' : 'keep', job.onPartition),
  })
}

const unless = <T>(usual: T, value: T): T | undefined => (value === usual ? undefined : value)

const whenSaid = (when: When): Said =>
  dropUndefined({
    schedule: when.expression,
    tz: unless(usualWhen.tz, when.tz),
    overlap: unless(usualWhen.overlap, when.overlap),
    'catch-up': unless(usualWhen.catchUp, when.catchUp),
    jitter: unless(usualWhen.jitterMs, when.jitterMs),
  })

const sizesSaid = (job: FullJob): Said =>
  dropUndefined({
    mem: unless(jobDefaults.memBytes, job.memBytes),
    cpu: job.cpuCores ?? undefined,
    timeout: job.timeMs ?? undefined,
    slots: unless(1, job.slots),
    pids: unless(jobDefaults.pids, job.pids),
    where: Object.keys(job.where).length === 0 ? undefined : job.where,
    resources: Object.keys(job.resources ?? {}).length === 0 ? undefined : job.resources,
    priority: unless(0, job.priority),
  })

/** Where a job does not say where its output goes, the node has names for it. */
function filesSaid(job: FullJob): Said {
  const [out, err] = (['out', 'err'] as const).map((stream) => job[stream] ?? usual(job, stream))
  if (out === '/dev/null' && err === '/dev/null') return { 'no-filelog': true }
  return dropUndefined({
    'filelog-stdout': unless(`${job.name}.out`, out),
    'filelog-stderr': unless(`${job.name}.err`, err),
  })
}

function usual(job: FullJob, stream: 'out' | 'err'): string {
  if (job.kind === 'continuous') return `${job.name}.${stream}`
  return `${job.name}.${stream === 'out' ? 'o' : 'e'}$JOB_ID${job.array === null ? '' : '.$TASK_ID'}`
}

function environmentSaid({ kind, env: all }: FullJob, home: string): Said {
  const env = 'SGE_O_WORKDIR' in all ? ownVariables(all, home) : all
  const { PORT, ...others } = env
  const isPort = kind === 'continuous' && /^[1-9]\d{0,4}$/.test(PORT ?? '') && Number(PORT) < 65_536
  const rest = isPort ? others : env
  return {
    ...(isPort ? { port: Number(PORT) } : {}),
    ...(Object.keys(rest).length === 0 ? {} : { env: rest }),
  }
}

/** Without what jsub and qsub tell a job about where it was submitted: nobody has said that. */
function ownVariables(env: FullJob['env'], home: string): FullJob['env'] {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) =>
        !/^(SGE_\w+|ARC|QUEUE|PE)$/.test(name) &&
        !(name === 'TERM' && value === '') &&
        !(name === 'HOME' && value === home),
    ),
  )
}

function checkSaid({ check, env }: FullJob): Said {
  if (check === null) return {}
  const { probe } = check
  const local = localUrl(env['PORT'], '/')
  const probed: Said =
    probe.kind === 'command'
      ? { 'health-check-script': probe.argv }
      : {
          'health-check-http': probe.url.startsWith(local)
            ? probe.url.slice(local.length - 1)
            : probe.url,
        }
  return dropUndefined({
    ...probed,
    'check-interval': unless(usualCheck.intervalMs, check.intervalMs),
    'check-timeout': unless(usualCheck.timeoutMs, check.timeoutMs),
    'check-threshold': unless(usualCheck.threshold, check.threshold),
  })
}

/** What a file cannot say. A continuous job that lives has begun: how it waited then is past. */
export function unsaidOf(job: FullJob, kind: Wanted['kind']): string[] {
  const fields = [
    'script',
    'exits',
    'secretEnv',
    ...(kind === 'schedule' ? ['hold', 'beginAt'] : []),
  ]
  return fields.filter((field) => Boolean(job[field as keyof FullJob]))
}
