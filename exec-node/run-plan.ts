/** From an order to what the driver needs to start its next run: identity, environment, limits, files. */
import { hostname } from 'node:os'

import type { Cause } from '../proto/cause.ts'
import type { Order } from '../proto/sync.ts'
import { wantsSingleCopy } from './core/record.ts'
import { outputPlan, taskId } from './file-names.ts'
import type { Planned } from './ports.ts'
import type { Identity, OutputPlan, RunPlan } from './process/run-driver.ts'

export type LookUp = (
  user: string,
) => Promise<{ ok: true; identity: Identity } | { ok: false; error: string; detail: string }>

export type PlanOptions = {
  lookUp: LookUp
  url: string
  /** A folder in which every owner may make one of its own (mode 1777). */
  tmpRoot: string
  /** Each run finds its TMPDIR at /tmp, and nothing else there. */
  privateTmp: boolean
  openFiles: number
  /** Nobody can guess the name of a TMPDIR and take it first. */
  randomName: () => string
}

export function planner(options: PlanOptions): (order: Order, run: number) => Promise<Planned> {
  return async (order, run) => {
    const found = await options.lookUp(order.owner)
    if (!found.ok && found.error === 'lookup-failed')
      return { ok: false, cause: null, detail: `${order.owner}: ${found.detail}` }
    if (!found.ok) return { ok: false, cause: noSuchUser(order, found) }
    const lost = lostSecret(order)
    if (lost !== null) return { ok: false, cause: lost }
    return { ok: true, plan: planRun(order, run, found.identity, options) }
  }
}

function noSuchUser(order: Order, found: { error: string; detail: string }): Cause {
  const detail = `${order.owner}: ${found.detail}`
  return { kind: 'could-not-start', call: 'getpwnam', error: found.error, detail }
}

/** A program that misses its password would only fail later, and less clearly. */
function lostSecret({ secrets = [], spec, job }: Order): Cause | null {
  const name = secrets.find((secret) => !Object.hasOwn(spec.env, secret))
  if (name === undefined) return null
  const detail = `the value of ${name} cannot be decrypted; give it anew with \`eg edit --secret-env ${name} ${job}\``
  return { kind: 'could-not-start', call: 'secret', error: 'EKEYREJECTED', detail }
}

export function planRun(
  order: Order,
  run: number,
  identity: Identity,
  options: Omit<PlanOptions, 'lookUp'>,
): RunPlan {
  const { spec } = order
  const key = `${order.task}.${order.epoch}.${run}`
  const tmpDir = `${options.tmpRoot}/evergrid-${order.task}.${run}-${options.randomName()}`
  const output = outputPlan(order, identity)
  const { privateTmp } = options
  const files = filesOf(order, tmpDir, privateTmp ? '/tmp' : tmpDir)
  return {
    key,
    identity,
    argv: spec.command.map((word) => (word === '$JOB_SCRIPT' && files.script?.seenAs) || word),
    env: environment(order, { run, key, identity, url: options.url, output, files }),
    cwd: spec.cwd,
    umask: spec.umask,
    stdin: spec.stdin,
    output,
    tmpDir,
    ...(privateTmp ? { privateTmp } : {}),
    files: [files.script, files.hosts].flatMap((file) =>
      file === null ? [] : [{ path: file.path, text: file.text }],
    ),
    limits: {
      cpuWeight: 1024 * spec.slots,
      cpuCores: spec.cpuCores,
      memBytes: spec.memBytes,
      pids: spec.pids,
      openFiles: options.openFiles,
    },
    time:
      spec.timeMs === null
        ? null
        : { limitMs: spec.timeMs, warnSignal: spec.warn.signal, warnMs: spec.warn.beforeMs },
    stop: spec.stop,
    singleCopy: wantsSingleCopy(order),
  }
}

/** `seenAs`: its path to the run. */
type RunFile = { path: string; seenAs: string; text: string }
type RunFiles = { tmp: string; script: RunFile | null; hosts: RunFile | null }

/** Hidden in TMPDIR: they go with it, and `rm $TMPDIR/*` leaves them. */
function filesOf({ spec }: Order, tmpDir: string, seenAs: string): RunFiles {
  const { script, env } = spec
  const hosts = `${hostname()} ${spec.slots} ${queueOf(spec)}@${hostname()} UNDEFINED\n`
  const file = (name: string, text: string): RunFile => ({
    path: `${tmpDir}/${name}`,
    seenAs: `${seenAs}/${name}`,
    text,
  })
  return {
    tmp: seenAs,
    script: script === undefined ? null : file('.job-script', script),
    // A parallel environment is one that Grid Engine's commands have asked for.
    hosts: env.PE === undefined ? null : file('.pe-hostfile', hosts),
  }
}

/** The name that the job was given to: a site may know a queue by another one. */
const queueOf = (spec: Order['spec']): string => spec.env.QUEUE ?? spec.queue

type About = {
  run: number
  key: string
  identity: Identity
  url: string
  output: OutputPlan
  files: RunFiles
}

/** What the owner says comes first; what says where and as what it runs is ours. */
function environment(order: Order, about: About): Record<string, string> {
  const { spec } = order
  const { identity, output, files } = about
  const array = spec.array
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    SHELL: identity.shell,
    ...spec.env,
    HOME: spec.env.HOME ?? identity.home,
    USER: identity.user,
    LOGNAME: identity.user,
    TMPDIR: files.tmp,
    TMP: files.tmp,
    JOB_ID: String(order.job),
    JOB_NAME: spec.name,
    TASK_ID: taskId(order),
    SGE_TASK_ID: taskId(order),
    SGE_TASK_FIRST: bound(array?.from),
    SGE_TASK_LAST: bound(array?.to),
    SGE_TASK_STEPSIZE: bound(array?.step),
    SGE_O_WORKDIR: spec.env.SGE_O_WORKDIR ?? spec.cwd,
    NSLOTS: String(spec.slots),
    NHOSTS: '1',
    NQUEUES: '1',
    QUEUE: queueOf(spec),
    REQUEST: spec.name,
    REQNAME: spec.name,
    HOSTNAME: hostname(),
    SGE_STDIN_PATH: spec.stdin ?? '/dev/null',
    SGE_STDOUT_PATH: output.out,
    SGE_STDERR_PATH: output.err,
    ...(files.script === null ? {} : { JOB_SCRIPT: files.script.seenAs }),
    ...(files.hosts === null ? {} : { PE_HOSTFILE: files.hosts.seenAs }),
    ENVIRONMENT: 'BATCH',
    RESTARTED: about.run > 1 ? '1' : '0',
    EVERGRID_URL: about.url,
    EVERGRID_RUN: about.key,
    ...(order.dueAt === undefined ? {} : { EVERGRID_DUE_AT: new Date(order.dueAt).toISOString() }),
  }
}

/** Of a job that is no array Grid Engine says so in words. */
const bound = (value: number | undefined): string =>
  value === undefined ? 'undefined' : String(value)
