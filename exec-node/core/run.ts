/** What the cores know of a run: its facts, as the driver tells them, and the order that ends it. */
import type { Cause, Usage } from '../../proto/cause.ts'

/** One run of one task. `key` is `JOB.INDEX.EPOCH.RUN` and names the run's folder and cgroup. */
export type RunKey = string & { readonly brand?: 'RunKey' }

export type StuckProcess = { pid: number; state: string; waitChannel: string }

/** Position in an output file when the run began: lets a reader find this run's part of an appended file. */
export type OutputMark = { inode: number; offset: number }

/** What the spool and the kernel say about one run, read afresh at each call; figures when they are first asked for. */
export type RunFacts = {
  key: RunKey
  /** Of its main process, also when that has ended. */
  pid: number | null
  startedAt: number | null
  endedAt: number | null
  outMark: OutputMark | null
  errMark: OutputMark | null
  /** True while any process of the run may be alive, or this cannot be ruled out. */
  populated: boolean
  /** True while its shepherd lives. */
  supervised: boolean
  /** Set once the command has ended (or never began); final when `populated` is false. */
  cause: Cause | null
  usage: Usage
  /** Processes that survived SIGKILL for more than some seconds. */
  stuck: readonly StuckProcess[]
  /** Wall-clock time of the last byte the run wrote to its output, where known. */
  lastOutputAt: number | null
  /** A cgroup or folder no record explains, or a damaged record: what is odd about it. */
  oddity: string | null
}

export type StopOrder = {
  /** Recorded as the run's cause when the run ends by this stop. */
  cause: Cause
  signal: string
  graceMs: number
}
