/** How long things take in a run: leases, and what is waited for. One run is one process, so they are set once, before it begins. */
import { defaultLease } from '../../scheduler/core/lease.ts'

/** SILENT, TERM, KILL, END in ms: short, so that a run of minutes sees many expiries. */
export const lease = {
  silentMs: 5_000,
  termMs: 12_000,
  killMs: 16_000,
  endMs: 20_000,
  isUsual: false,
}

export const pace = {
  /** By then owners have work under way, of every kind. */
  warmUpMs: 10_000,
  /** Bots write ten times a second: a pause longer than this is silence. */
  freshMs: 2_000,
  /** Between two submissions. */
  pauseMs: { least: 150, most: 700 },
  /** Of the longest counters, two at a time. */
  longTasks: 60,
}

/** Leases of a grid that nobody has told of others. */
export function useUsualLeases(): void {
  const { terms, silentAfterMs } = defaultLease
  Object.assign(lease, { silentMs: silentAfterMs, ...terms, isUsual: true })
}

/** For a machine whose processors are emulated: 10 to 20 times slower. */
export function useEmulatedPace(): void {
  Object.assign(lease, { silentMs: 8_000, termMs: 18_000, killMs: 24_000, endMs: 30_000 })
  Object.assign(pace, {
    warmUpMs: 20_000,
    freshMs: 10_000,
    pauseMs: { least: 1_500, most: 6_000 },
    longTasks: 10,
  })
}
