/** What a fault is: it does its harm and takes it back; how the grid fares is watched from outside. */
import { setTimeout as delay } from 'node:timers/promises'

import type { Random } from '../../sim/random.ts'
import type { ChaosGrid, ChaosNode } from '../grid.ts'
import type { Workload } from '../workload.ts'

export type Around = {
  grid: ChaosGrid
  workload: Workload
  random: Random
  /** For people, into the story of the run. */
  tell: (line: string) => void
  /** A promise that the fault itself has seen broken. */
  broken: (line: string) => void
}

export type Fault = {
  kind: string
  /** How often it is drawn, compared with others. */
  weight: number
  /** It must not end or start a single run: what it harms is ours, not the owners'. */
  touchesNobody?: boolean
  /** It comes once, when all else is over and was checked: what it makes forgotten cannot be asked for any more. */
  isLast?: boolean
  /** At the run's beginning, when there is work. */
  prepare?(around: Around): Promise<void>
  /** Why it cannot be made here; null where it can. */
  impossible?(around: Around): string | null
  run(around: Around): Promise<void>
}

/** The scheduler is dead while `work` is done, alone with its owners away, and starts from what is put back. */
export async function whileDown(around: Around, work: () => Promise<void>): Promise<void> {
  const { grid, workload } = around
  await workload.pause()
  await grid.scheduler.stop('SIGKILL')
  try {
    await work()
  } finally {
    grid.scheduler.start()
    workload.resume()
  }
}

export const needsRoot = (): string | null => (process.getuid?.() === 0 ? null : 'not root')
export const needsEnclosure = ({ grid }: Around): string | null =>
  grid.enclosed ? null : 'no namespaces here'

export const wait = (ms: number): Promise<void> => delay(ms)

export function oneOf<T>(random: Random, list: readonly T[]): T {
  const one = random.pick(list)
  if (one === undefined) throw new Error('there is nothing to choose from')
  return one
}

export const aNode = ({ grid, random }: Around): ChaosNode => oneOf(random, grid.nodes)
