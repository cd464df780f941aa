/** From a run's records and the kernel to the facts that the agent sees. */
import type { Cause, Usage } from '../../proto/cause.ts'
import { bootId, isSameProcess, processStat, sessionOf, uptimeMs } from './boot.ts'
import type { CgroupDriver } from './cgroup-driver.ts'
import type { Journal } from './journal.ts'
import { readIfAllowed } from './kernel-file.ts'
import { oomVictim } from './oom-victim.ts'
import type { RunFacts, RunKey, StuckProcess } from './run-driver.ts'
import type { RunRecord } from './run-folder.ts'
import { signalName } from './signals.ts'

/** A SIGKILL that worked has worked within this time. */
const stuckAfterMs = 3000
const sweepMs = 5000

export type FactsContext = {
  cgroup: CgroupDriver
  nodeName: string
  /** Usage where no cgroup measures it. */
  sampled(key: RunKey): Usage | null
  lastOutputAt(key: RunKey): number | null
}

/** What asks the kernel more than once is asked when it is needed: most looks need no more than `populated`. */
export type Vitals = {
  supervised: boolean
  populated: boolean
  readonly mainAlive: boolean
  readonly pids: number[]
}

const nobody: Vitals = { supervised: false, mainAlive: false, pids: [], populated: false }

export function vitalsOf(record: RunRecord, cgroup: CgroupDriver): Vitals {
  const { journal, spec } = record
  if (spec.bootId !== bootId || journal?.empty) return nobody
  if (!journal) return { ...nobody, supervised: true, populated: true }
  const { shepherd } = journal
  const main = journal.started ?? journal.told
  const supervised = isSameProcess(shepherd.pid, shepherd.startTicks)
  const mainAlive = once(
    () => main !== null && !journal.exit && isSameProcess(main.pid, main.startTicks),
  )
  const pids = once(() =>
    cgroup.pids(record.key, {
      shepherd: supervised ? shepherd.pid : null,
      session: main && sessionOf(main.pid, main.startTicks, spec.boundUid),
    }),
  )
  return {
    supervised,
    populated: supervised || mainAlive() || pids().length > 0,
    get mainAlive() {
      return mainAlive()
    },
    get pids() {
      return pids()
    },
  }
}

function once<T>(find: () => T): () => T {
  let found: { value: T } | null = null
  return () => (found ??= { value: find() }).value
}

export function factsOf(record: RunRecord, vitals: Vitals, context: FactsContext): RunFacts {
  const { journal, key } = record
  const begun = begunIn(record, vitals)
  const usage = once(() => usageOf(record, context))
  const lastOutputAt = once(() => context.lastOutputAt(key))
  return {
    key,
    pid: begun?.pid ?? null,
    startedAt: begun?.wallMs ?? null,
    endedAt: journal?.exit?.wallMs ?? journal?.failed?.wallMs ?? null,
    outMark: begun?.marks[0] ?? null,
    errMark: begun?.marks[1] ?? null,
    populated: vitals.populated,
    supervised: vitals.supervised,
    cause: causeOf(record, vitals, usage, context),
    stuck: stuckOf(record, vitals),
    get usage() {
      return usage()
    },
    get lastOutputAt() {
      return lastOutputAt()
    },
    oddity: null,
  }
}

/** The command, as soon as it is known to have begun: a shepherd that lives will tell of it itself. */
export function begunIn({ journal }: RunRecord, { supervised }: Vitals): Journal['started'] {
  const began = !supervised && journal?.failed === null ? journal.told : null
  return journal?.started ?? began
}

function usageOf({ key, journal }: RunRecord, context: FactsContext): Usage {
  const { cgroup } = context
  const read = journal?.empty
    ? (label: string) => journal.read.get(label) ?? null
    : cgroup.reader(key)
  const usage = cgroup.usage(read)
  const exit = journal?.exit
  const sample = context.sampled(key)
  return {
    ...usage,
    cpuMs: usage.cpuMs ?? exit?.cpuMs ?? sample?.cpuMs ?? null,
    memBytes: usage.memBytes ?? sample?.memBytes ?? null,
    peakMemBytes:
      usage.peakMemBytes ?? (Math.max(exit?.rssBytes ?? 0, sample?.peakMemBytes ?? 0) || null),
  }
}

function causeOf(
  record: RunRecord,
  vitals: Vitals,
  usage: () => Usage,
  context: FactsContext,
): Cause | null {
  const { key, journal, spec, stop } = record
  const { cgroup, nodeName } = context
  if (journal?.failed) {
    const { call, error, detail } = journal.failed
    if (call === 'lease') return { kind: 'lease-expired', node: nodeName }
    if (call === 'stop' && stop) return stop.cause
    return { kind: 'could-not-start', call, error, detail }
  }
  if (journal?.exit) {
    const { by, code } = journal.exit
    const read = journal.empty
      ? (label: string) => journal.read.get(label) ?? null
      : cgroup.reader(key)
    if (by === 'oom' || cgroup.oomKills(read) > 0)
      return {
        kind: 'out-of-memory',
        victim: oomVictim(key),
        peakBytes: usage().peakMemBytes,
        limitBytes: spec.memBytes,
      }
    if (by === 'stop' && stop) return stop.cause
    if (by === 'time') return { kind: 'time-limit', limitMs: spec.limitMs ?? 0 }
    if (by === 'fence') return { kind: 'lease-expired', node: nodeName }
    return code < 0 ? { kind: 'signal', signal: signalName(-code) } : { kind: 'exit', code }
  }
  if (spec.bootId !== bootId) return { kind: 'outcome-unknown', detail: 'node rebooted' }
  if (vitals.supervised || vitals.mainAlive) return null
  return stop?.cause ?? { kind: 'outcome-unknown', detail: 'shepherd lost' }
}

function stuckOf(record: RunRecord, vitals: Vitals): StuckProcess[] {
  const { journal, spec, stop } = record
  const now = uptimeMs()
  const begun = begunIn(record, vitals)
  const timeUpAt =
    begun && spec.limitMs !== null ? begun.uptimeMs + spec.limitMs + spec.graceMs : Infinity
  const sweptAt = journal?.exit ? now - (Date.now() - journal.exit.wallMs) + sweepMs : Infinity
  const killedAt = Math.min(stop?.killAtUptimeMs ?? Infinity, timeUpAt, sweptAt)
  if (now < killedAt + stuckAfterMs) return []
  return vitals.pids.flatMap((pid) => {
    const state = processStat(pid)?.state
    return state ? [{ pid, state, waitChannel: readIfAllowed(`/proc/${pid}/wchan`) ?? '' }] : []
  })
}
