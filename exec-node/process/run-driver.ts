/**
 * The port through which the agent touches processes: the real one (shepherds and cgroups) stands in
 * process/, a fake one in test/support. The agent decides; the driver only does and tells facts.
 * All times are wall-clock milliseconds since 1970 unless a name says otherwise.
 */
import type { Enforcement } from '../../proto/node.ts'
import type { RunFacts, RunKey, StopOrder } from '../core/run.ts'

export type { OutputMark, RunFacts, RunKey, StopOrder, StuckProcess } from '../core/run.ts'

export type Identity = {
  user: string
  uid: number
  gid: number
  groups: readonly number[]
  home: string
  shell: string
}

/** Where output goes: straight to the owner's files, or through a logger that caps and rotates. */
export type OutputPlan =
  | { kind: 'files'; out: string; err: string }
  | { kind: 'log'; out: string; err: string; maxBytes: number; keep: number }

export type RunPlan = {
  key: RunKey
  identity: Identity
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  cwd: string
  umask: number
  stdin: string | null
  output: OutputPlan
  /** Create this private folder as the owner before exec (mode 0700); the driver's `remove` deletes it. */
  tmpDir: string
  /** `tmpDir` is /tmp to the run, in place of the machine's: only where `problemOfPrivateTmp` has none. */
  privateTmp?: boolean
  /** Written as the owner before exec, with mode 0700, into folders that are there by then: in TMPDIR. */
  files: readonly { path: string; text: string }[]
  limits: {
    /** Relative processor share, 1024 per slot. */
    cpuWeight: number
    /** Hard processor limit in cores. */
    cpuCores: number | null
    memBytes: number | null
    pids: number
    openFiles: number
  }
  time: { limitMs: number; warnSignal: string; warnMs: number } | null
  stop: { signal: string; graceMs: number }
  /** A single-copy run ends itself when the node's lease passes its deadlines. */
  singleCopy: boolean
}

/** Outcome of one liveness check command run as the owner inside the run's limits. */
export type CheckResult = { ok: boolean; detail: string }

export type RunDriver = {
  readonly enforcement: Enforcement
  /** A start is near: what takes time and harms nobody may begin. */
  expectStart(): void
  /** Starts a shepherd for the run. Resolves when the spool holds the run (it survives us from here on). */
  start(plan: RunPlan): Promise<void>
  /** Every run known from the spool or the cgroup tree, with fresh facts. */
  list(): Promise<RunFacts[]>
  facts(key: RunKey): Promise<RunFacts | null>
  /** Begins the stop ladder: signal, grace, kill of the whole cgroup. Idempotent; a shorter grace wins. */
  stop(key: RunKey, order: StopOrder): Promise<void>
  suspend(key: RunKey): Promise<void>
  resume(key: RunKey): Promise<void>
  /** From now on the lease ends the run: shepherd and fence keep to it while no agent does. */
  makeSingleCopy(key: RunKey): Promise<void>
  /** Applies new limits to a live run; false where the machine cannot. */
  limit(key: RunKey, limits: RunPlan['limits']): Promise<boolean>
  /** Runs a command as the run's owner, with its environment, killed after the timeout. */
  check(key: RunKey, argv: readonly string[], timeoutMs: number): Promise<CheckResult>
  /** Deletes spool folder, cgroup and TMPDIR of a run that is over. Refuses while populated. */
  remove(key: RunKey): Promise<void>
  /** Calls back soon after a run started, ended or emptied; may call back without cause. */
  onChange(listener: (key: RunKey | null) => void): void
  /** Ends watching; runs go on. */
  close(): Promise<void>
}

/** The lease as the shepherds and the fence read it from `<node dir>/lease`. Uptimes in ms of /proc/uptime. */
export type LeaseRecord =
  | { kind: 'endless' }
  | { kind: 'until'; bootId: string; termAtUptimeMs: number; killAtUptimeMs: number }

/** Lease file: one line, written by rename. `endless` or `BOOT_ID TERM_MS KILL_MS`. */
export function leaseLine(lease: LeaseRecord): string {
  if (lease.kind === 'endless') return 'endless\n'
  return `${lease.bootId} ${Math.floor(lease.termAtUptimeMs)} ${Math.floor(lease.killAtUptimeMs)}\n`
}
