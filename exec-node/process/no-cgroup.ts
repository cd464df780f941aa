/**
 * Runs without cgroups: a run is what descends from its shepherd or shares the session of its command.
 * Usage is sampled, and so is the memory limit; the node says so by `enforcement: rlimit`.
 */
import { readdirSync } from 'node:fs'

import { isStranger, processStat, type ProcessStat, type Session } from './boot.ts'
import { noUsage, type CgroupDriver } from './cgroup-driver.ts'

/** One look over /proc serves all runs of the same moment. */
const tableMaxAgeMs = 100
let table: {
  at: number
  byParent: Map<number, ProcessStat[]>
  bySession: Map<number, ProcessStat[]>
} | null = null

export const noCgroup: CgroupDriver = {
  enforcement: 'rlimit',
  plan: () => ({
    make: [],
    set: [],
    try: [],
    procs: [],
    freeze: [],
    thaw: [],
    kill: [],
    read: [],
    oom: null,
  }),
  refresh() {
    table = null
  },
  pids: (_key, { shepherd, session }) => familyOf(shepherd, session),
  reader: () => () => null,
  usage: () => noUsage,
  oomKills: () => 0,
  limit: () => false,
  freeze(_key, frozen, pids) {
    for (const pid of pids) signalQuietly(pid, frozen ? 'SIGSTOP' : 'SIGCONT')
    return pids.length > 0
  },
  pressure: () => null,
  list: () => [],
  remove: () => true,
  leave: () => {},
}

function familyOf(shepherd: number | null, session: Session | null): number[] {
  const { byParent, bySession } = processTable()
  const found = new Set<number>()
  const add = (stats: readonly ProcessStat[]) => {
    for (const stat of stats) {
      if (found.has(stat.pid)) continue
      found.add(stat.pid)
      add(byParent.get(stat.pid) ?? [])
    }
  }
  if (shepherd !== null) add(byParent.get(shepherd) ?? [])
  const members = (session && bySession.get(session.id)) ?? []
  // Looked at again: of one that ended since nobody can tell any more whether it was a stranger.
  if (session && !isTakenOver(session, members))
    add(members.filter(({ pid }) => processStat(pid)?.session === session.id))
  return [...found]
}

/** A session is one or the other as a whole: its number is given again when nothing of it is left. */
function isTakenOver(session: Session, members: readonly ProcessStat[]): boolean {
  const isLed = members.some(({ pid }) => pid === session.id)
  return !isLed && members.some(({ pid }) => isStranger(pid, session))
}

function processTable() {
  const now = performance.now()
  if (table && now - table.at < tableMaxAgeMs) return table
  const byParent = new Map<number, ProcessStat[]>()
  const bySession = new Map<number, ProcessStat[]>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? processStat(Number(name)) : null
    if (!stat?.lives) continue
    byParent.set(stat.parent, [...(byParent.get(stat.parent) ?? []), stat])
    bySession.set(stat.session, [...(bySession.get(stat.session) ?? []), stat])
  }
  table = { at: now, byParent, bySession }
  return table
}

export function signalQuietly(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended on its own in between.
  }
}
