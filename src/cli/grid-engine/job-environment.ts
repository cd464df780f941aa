/** The environment that a job of qsub finds beside what the node sets: where it comes from, and what `-v` and `-V` say. */
import { allSaid, isSaid, lastSaid, type Said } from './option-table.ts'
import { variables } from './values.ts'

type Environment = Readonly<Record<string, string | undefined>>
export type Submitter = {
  env: Environment
  cwd: string
  user: string
  home: string
  shell: string
  host: string
}

export function jobEnvironment(
  said: readonly Said[],
  from: Submitter,
  job: { shell: string; queue: string; pe: string | null },
): Record<string, string> {
  const { env } = from
  const path = env['PATH'] ?? ''
  return withoutNull({
    ...(isSaid(said, '-V') ? { ...env, ...ofAnotherJob } : {}),
    TERM: env['TERM'] ?? '',
    ...Object.fromEntries(
      saidVariables(said).map(([name, value]) => [name, value ?? env[name] ?? '']),
    ),
    DISPLAY: lastSaid(said, '-display') ?? (isSaid(said, '-V') ? env['DISPLAY'] : undefined),
    SHELL: job.shell,
    QUEUE: job.queue,
    PE: job.pe ?? undefined,
    ARC: arc,
    SGE_ARCH: arc,
    SGE_ROOT: env['SGE_ROOT'],
    SGE_CELL: env['SGE_CELL'] || 'default',
    SGE_ACCOUNT: lastSaid(said, '-A') ?? 'sge',
    SGE_CWD_PATH: from.cwd,
    SGE_O_HOME: from.home,
    SGE_O_HOST: from.host,
    SGE_O_LOGNAME: from.user,
    SGE_O_PATH: path,
    SGE_O_SHELL: from.shell,
    SGE_O_WORKDIR: from.cwd,
  })
}

/** Grid Engine's word for the architecture of this machine. */
export const arc = process.arch === 'arm64' ? 'lx-arm64' : 'lx-amd64'

export const saidVariables = (said: readonly Said[]): [string, string | null][] =>
  allSaid(said, '-v').flatMap(variables)

/** What a job that submits another has for itself. */
const ofAnotherJob = { JOB_SCRIPT: undefined, PE_HOSTFILE: undefined }

const withoutNull = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
