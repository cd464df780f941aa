/** Without cgroups: samples what each run uses, and tells which runs are over their memory. */
import pidusage from 'pidusage'

import type { Usage } from '../../proto/cause.ts'
import { noUsage } from './cgroup-driver.ts'
import type { RunKey } from './run-driver.ts'

export type Sampled = { key: RunKey; pids: readonly number[]; memBytes: number | null }

export function memorySampler() {
  const usages = new Map<RunKey, Usage>()
  return {
    usage: (key: RunKey): Usage | null => usages.get(key) ?? null,
    forget: (key: RunKey): void => void usages.delete(key),
    /** Samples all runs; returns those over their limit. */
    async sample(runs: readonly Sampled[]): Promise<RunKey[]> {
      const over: RunKey[] = []
      for (const run of runs) {
        const usage = await usageOf(run.pids, usages.get(run.key))
        usages.set(run.key, usage)
        if (run.memBytes !== null && (usage.memBytes ?? 0) > run.memBytes) over.push(run.key)
      }
      return over
    },
  }
}

async function usageOf(pids: readonly number[], before: Usage | undefined): Promise<Usage> {
  // A process that ends between the look and the sample gives an error or a null: it uses nothing.
  const found = pids.length > 0 ? await pidusage([...pids]).catch(() => null) : null
  const all = Object.values(found ?? {}).filter((one) => one?.memory !== undefined)
  const sum = (pick: (one: pidusage.Status) => number) =>
    Math.round(all.reduce((total, one) => total + pick(one), 0))
  const memBytes = sum((one) => one.memory)
  return {
    ...noUsage,
    cpuMs: Math.max(
      before?.cpuMs ?? 0,
      sum((one) => one.ctime),
    ),
    memBytes,
    peakMemBytes: Math.max(before?.peakMemBytes ?? 0, memBytes),
  }
}
