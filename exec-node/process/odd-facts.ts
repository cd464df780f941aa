/** What no record explains: cgroups without a folder, and folders that had to be set aside. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { bootId, isSameProcess, sessionOf } from './boot.ts'
import { noUsage, type CgroupDriver, type Roots } from './cgroup-driver.ts'
import { isGone } from './kernel-file.ts'
import type { RunFacts, RunKey } from './run-driver.ts'
import type { SetAside } from './set-aside.ts'
import { decodeSpec } from './spec.ts'

/** The agent's own leaf in a delegated subtree is no run. */
const notRuns = new Set(['agent'])

export function oddRuns(cgroup: CgroupDriver) {
  const setAside = new Map<RunKey, SetAside>()
  const pids = (key: RunKey): number[] => {
    const place = setAside.get(key)?.place
    return cgroup.pids(key, (place === undefined ? null : rootsIn(place)) ?? noRoots)
  }
  /** Without cgroups only the journal tells whose the processes were: without it they may live. */
  const populated = (key: RunKey): boolean => {
    if (pids(key).length > 0) return true
    const place = setAside.get(key)?.place
    return cgroup.enforcement === 'rlimit' && place !== undefined && rootsIn(place) === null
  }
  return {
    pids,
    populated,
    /** False where it was told before: what cannot be moved is found again at each look. */
    keep(key: RunKey, odd: SetAside): boolean {
      const told = setAside.get(key)?.detail === odd.detail
      setAside.set(key, odd)
      return !told
    },
    delete: (key: RunKey) => void setAside.delete(key),
    facts(cgroups: readonly RunKey[], explained: ReadonlySet<RunKey>): RunFacts[] {
      return [...new Set([...setAside.keys(), ...cgroups])]
        .filter((key) => !explained.has(key) && !notRuns.has(key))
        .flatMap((key) => {
          const detail = setAside.get(key)?.detail
          const alive = populated(key)
          // An empty cgroup without a record is a leftover that means nothing any more.
          if (!alive && detail === undefined) return []
          const oddity = detail ?? 'a cgroup that no record explains'
          const usage = cgroup.usage(cgroup.reader(key))
          return [{ ...unknownRun, key, populated: alive, oddity, usage }]
        })
    },
  }
}

const noRoots: Roots = { shepherd: null, session: null }

/** Which processes a damaged record still tells of; null when it does not tell. */
function rootsIn(place: string): Roots | null {
  const text = textIn(place, 'journal')
  if (text === null) return null
  // A shepherd claims the folder before it starts anything.
  if (text === '') return noRoots
  const [, shepherd, shepherdStart, boot] = text.match(/^shepherd (\d+) (\d+) (\S+)\n/) ?? []
  if (boot === undefined) return null
  if (boot !== bootId) return noRoots
  const [, main, mainStart] = text.match(/^(?:started|read told) (\d+) (\d+) /m) ?? []
  const isAlive = isSameProcess(Number(shepherd), Number(shepherdStart))
  return {
    shepherd: isAlive ? Number(shepherd) : null,
    session: main === undefined ? null : sessionOf(Number(main), Number(mainStart), uidIn(place)),
  }
}

function uidIn(place: string): number | null {
  const spec = textIn(place, 'spec')
  return spec ? (decodeSpec(Buffer.from(spec))?.boundUid ?? null) : null
}

/** Empty where none was ever written, null where it cannot be read. */
function textIn(place: string, name: 'journal' | 'spec'): string | null {
  try {
    return readFileSync(join(place, name), 'utf8') || null
  } catch (error) {
    return isGone(error) ? '' : null
  }
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
