/**
 * What the driver needs of a way to hold runs together. Three stand behind it: cgroup v2, cgroup v1,
 * and none. The making, joining and killing is the shepherd's; here is only what it shall write where.
 */
import type { Usage } from '../../proto/cause.ts'
import type { Enforcement } from '../../proto/node.ts'
import type { Session } from './boot.ts'
import type { RunKey, RunPlan } from './run-driver.ts'

export type Setting = { path: string; value: string }

/** Fields of the shepherd's spec that depend on the kind of cgroup. */
export type CgroupPlan = {
  make: string[]
  set: Setting[]
  try: Setting[]
  procs: string[]
  freeze: Setting[]
  thaw: Setting[]
  kill: Setting[]
  read: { label: string; path: string }[]
  oom: string | null
}

/** Reads an accounting file by its label: from the live cgroup, or from the journal after the end. */
export type Reader = (label: string) => string | null

/** Pid of a run's shepherd while it lives, and the session of its command. */
export type Roots = { shepherd: number | null; session: Session | null }

export type Pressure = { some10: number; full10: number }

export type CgroupDriver = {
  readonly enforcement: Enforcement
  plan(key: RunKey, limits: RunPlan['limits']): CgroupPlan
  /** Looks anew at what is running; a machine without cgroups keeps one look for many runs. */
  refresh(): void
  /** Process ids of the run; its shepherd and the session of its command help where there is no cgroup to ask. */
  pids(key: RunKey, roots: Roots): number[]
  reader(key: RunKey): Reader
  usage(read: Reader): Usage
  oomKills(read: Reader): number
  limit(key: RunKey, limits: RunPlan['limits']): boolean
  freeze(key: RunKey, frozen: boolean, pids: readonly number[]): boolean
  pressure(key: RunKey): Pressure | null
  /** Keys of the cgroups that exist in our subtree. */
  list(): RunKey[]
  remove(key: RunKey): boolean
  /** Takes away what stands for the node itself, where no run is left in it. */
  leave(): void
}

export const noUsage: Usage = {
  cpuMs: null,
  memBytes: null,
  peakMemBytes: null,
  readBytes: null,
  writtenBytes: null,
}

export function pidsIn(text: string | null): number[] {
  return (text ?? '').split('\n').filter(Boolean).map(Number)
}

/** `some avg10=1.5 …` and `full avg10=…` of a pressure file. */
export function parsePressure(text: string | null): Pressure | null {
  const average = (kind: string) => Number(text?.match(new RegExp(`${kind} avg10=([\\d.]+)`))?.[1])
  const pressure = { some10: average('some'), full10: average('full') }
  return Number.isNaN(pressure.some10) ? null : pressure
}
