/** Facts of what no record explains: cgroups without a folder, and folders that had to be set aside. */
import { noUsage, type CgroupDriver } from './cgroup-driver.ts'
import type { RunFacts, RunKey } from './run-driver.ts'

/** The agent's own leaf in a delegated subtree is no run. */
const notRuns = new Set(['agent'])

export function oddFacts(
  cgroup: CgroupDriver,
  cgroups: readonly RunKey[],
  explained: ReadonlySet<RunKey>,
  setAside: ReadonlyMap<RunKey, string>,
): RunFacts[] {
  const found = new Set([...setAside.keys(), ...cgroups])
  return [...found]
    .filter((key) => !explained.has(key) && !notRuns.has(key))
    .flatMap((key) => {
      const populated = cgroup.pids(key, { shepherd: null, main: null }).length > 0
      const detail = setAside.get(key)
      // An empty cgroup without a record is a leftover that means nothing any more.
      if (!populated && detail === undefined) return []
      const oddity = detail ?? 'a cgroup that no record explains'
      return [{ ...unknownRun, key, populated, oddity, usage: cgroup.usage(cgroup.reader(key)) }]
    })
}

const unknownRun: RunFacts = {
  key: '',
  pid: null,
  startedAt: null,
  endedAt: null,
  outMark: null,
  errMark: null,
  populated: false,
  supervised: false,
  cause: { kind: 'outcome-unknown', detail: 'no record of the run' },
  usage: noUsage,
  stuck: [],
  lastOutputAt: null,
  oddity: null,
}
