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
  /** Why it cannot be made here; null where it can. */
  impossible?(around: Around): string | null
  run(around: Around): Promise<void>
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
