/** How often each thing goes wrong, and for how long. */
import type { Random } from './random.ts'

const kinds = {
  loss: 3,
  calm: 3,
  partition: 4,
  oneWayPartition: 4,
  resetStreams: 2,
  agentCrash: 6,
  agentHang: 4,
  agentSlow: 2,
  powerLoss: 3,
  sleep: 3,
  hangAtStart: 2,
  hangThenCut: 2.5,
  sleepThenCut: 2.5,
  replaced: 2.5,
  schedulerCrash: 4,
  otherLeases: 1.5,
  schedulerDown: 2,
  schedulerHang: 3,
  commitFault: 6,
  firingFault: 2,
  diskFull: 1,
  spoolFull: 1,
  clockStep: 1,
  nodeClockStep: 1,
  schedulerSleep: 1,
  twin: 1.5,
  clone: 1.5,
  backup: 2,
  restore: 3,
  restoreOverStarted: 3,
  emptyFolder: 0.5,
}

export type FaultKind = keyof typeof kinds

/**
 * Most seeds leave out many of them (swarm testing: Groce and others, 2012): a scheduler that never lives for a
 * minute never sees a lease end, and where everything is broken most rules have nothing to hold.
 */
export function someKinds(random: Random): Record<FaultKind, number> {
  const leftOut = random.pick([0, 0.4, 0.7]) ?? 0
  const some = { ...kinds }
  for (const kind of Object.keys(some) as FaultKind[]) if (random.chance(leftOut)) some[kind] = 0
  return some
}

/** Short, about as long as a lease, or well beyond it. */
export const lengthMs = (random: Random): number =>
  random.weighted({ short: 5, lease: 3, long: 2 }) === 'short'
    ? random.delay(5_000)
    : random.between(30_000, 90_000)
