/** Reads all probes at a fixed pace and keeps their verdicts. */
import type { ProbeReport } from '../../proto/node.ts'
import { noCancel, type Clock } from '../../src/lib/clock.ts'
import { isBad, newHistory, withReading, type ProbeHistory, type Reading } from '../core/health.ts'
import type { HealthSource } from '../ports.ts'
import { unknown, type Probe } from './probe.ts'

export type HealthWatch = HealthSource & {
  /** One round of readings; also made by itself every `everyMs`. */
  read(): Promise<void>
  close(): void
}

/** What was bad survives the agent. */
export type KeptVerdicts = { load(): ProbeReport[]; save(bad: readonly ProbeReport[]): void }

export type HealthWatchOptions = {
  clock: Clock
  everyMs: number
  probes: readonly Probe[]
  /** Asked anew in each round: a script dropped in counts from the next one. */
  more: () => Promise<readonly Probe[]>
  /** Some verdict changed. */
  onChange: () => void
  /** What an earlier start of the agent found bad. */
  kept: KeptVerdicts
}

export const healthEveryMs = 30_000
/** The agent first takes over what lives and says so: probes fork helpers, which holds it up. */
const firstRoundMs = 300
const patienceMs = 20_000

export function watchHealth(options: HealthWatchOptions): HealthWatch {
  const { clock } = options
  const states = new Map<string, { threshold: string; history: ProbeHistory }>()
  for (const { probe, verdict, value, threshold, since } of options.kept.load()) {
    const history = { ...newHistory(Date.parse(since)), verdict, value }
    states.set(probe, { threshold, history })
  }
  let closed = false
  let cancel = noCancel

  const waiting = new Set<string>()
  /** A probe that hangs is not asked again, and holds up no other. */
  const ask = (probe: Probe): Promise<Reading> => {
    if (waiting.has(probe.name)) return Promise.resolve(unknown('it still does not answer'))
    waiting.add(probe.name)
    return new Promise((resolve) => {
      const cancelWait = clock.after(patienceMs, () => resolve(unknown('it does not answer')))
      const settle = (reading: Reading) => {
        waiting.delete(probe.name)
        cancelWait()
        resolve(reading)
      }
      probe.read().then(settle, (error: Error) => settle(unknown(error.message)))
    })
  }
  const readOne = async (probe: Probe): Promise<boolean> => {
    const reading = await ask(probe)
    const before = states.get(probe.name)?.history ?? newHistory(clock.now())
    const history = withReading(before, reading, clock.now())
    states.set(probe.name, { threshold: probe.threshold, history })
    return history.verdict !== before.verdict
  }
  const reports = () =>
    [...states].map(([probe, { threshold, history }]) => report(probe, threshold, history))
  const read = async () => {
    const more = await options.more().catch(() => [])
    const probes = [...options.probes, ...more]
    const changes = await Promise.all(probes.map(readOne))
    const names = new Set(probes.map((probe) => probe.name))
    for (const name of states.keys()) if (!names.has(name)) changes.push(states.delete(name))
    if (closed || !changes.includes(true)) return
    options.kept.save(reports().filter(isBad))
    options.onChange()
  }
  const round = async () => {
    await read()
    if (!closed) cancel = clock.after(options.everyMs, () => void round())
  }
  cancel = clock.after(firstRoundMs, () => void round())
  return {
    read,
    reports,
    close() {
      closed = true
      cancel()
    },
  }
}

function report(probe: string, threshold: string, history: ProbeHistory): ProbeReport {
  const { verdict, value, since } = history
  return { probe, verdict, value, threshold, since: new Date(since).toISOString() }
}
