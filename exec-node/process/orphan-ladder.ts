/**
 * What a shepherd does at the end of a run, done by the agent for a run whose shepherd was killed:
 * signal, grace, SIGKILL until nothing is left. One step per look, never waiting.
 */
import { uptimeMs } from './boot.ts'
import type { CgroupDriver } from './cgroup-driver.ts'
import { writeSmall } from './kernel-file.ts'
import { signalQuietly } from './no-cgroup.ts'
import type { RunKey, RunPlan } from './run-driver.ts'
import { begunIn, type Vitals } from './run-facts.ts'
import type { RunRecord, StopRecord } from './run-folder.ts'

const sweepGraceMs = 5000
const noLimits: RunPlan['limits'] = {
  cpuWeight: 1024,
  cpuCores: null,
  memBytes: null,
  pids: 1,
  openFiles: 0,
}

export function orphanLadder(cgroup: CgroupDriver) {
  const asked = new Map<RunKey, StopRecord>()
  return {
    step(record: RunRecord, vitals: Vitals): void {
      if (vitals.supervised || vitals.pids.length === 0) return void asked.delete(record.key)
      const order = record.stop ?? asked.get(record.key) ?? ownOrder(record, vitals)
      if (!order) return
      const before = asked.get(record.key)
      asked.set(record.key, order)
      if (uptimeMs() >= order.killAtUptimeMs) killAll(cgroup, record.key, vitals.pids)
      else if (before?.signal !== order.signal)
        askAll(cgroup, record.key, vitals.pids, order.signal)
    },
  }
}

/** Nobody ordered a stop, but the command has ended, or its time is up. */
function ownOrder(record: RunRecord, vitals: Vitals): StopRecord | null {
  const { spec } = record
  const begun = begunIn(record, vitals)
  const detail = 'shepherd lost'
  const cause = { kind: 'outcome-unknown', detail } as const
  const now = uptimeMs()
  if (!vitals.mainAlive && begun)
    return { signal: 15, killAtUptimeMs: now + Math.min(spec.graceMs, sweepGraceMs), cause }
  if (begun && spec.limitMs !== null && now >= begun.uptimeMs + spec.limitMs)
    return { signal: 15, killAtUptimeMs: now + spec.graceMs, cause }
  return null
}

function askAll(cgroup: CgroupDriver, key: RunKey, pids: readonly number[], signal: number): void {
  for (const pid of pids) signalQuietly(pid, signal)
  cgroup.freeze(key, false, pids)
  for (const pid of pids) signalQuietly(pid, 'SIGCONT')
}

function killAll(cgroup: CgroupDriver, key: RunKey, pids: readonly number[]): void {
  const { kill } = cgroup.plan(key, noLimits)
  for (const setting of kill) writeSmall(setting.path, setting.value)
  if (kill.length === 0) {
    cgroup.freeze(key, true, pids)
    for (const pid of pids) signalQuietly(pid, 'SIGKILL')
  }
  cgroup.freeze(key, false, pids)
}
