/** Grids that are broken on purpose, each in one place between the parts: the simulation must catch every one. */
import { exchangeMutants } from './mutants-exchange.ts'
import { nodeMutants } from './mutants-node.ts'
import { schedulerMutants } from './mutants-scheduler.ts'
import type { SimOptions } from './simulation.ts'

export type Mutant = { what: string; mutant: NonNullable<SimOptions['mutant']> }

export const mutants: Readonly<Record<string, Mutant>> = {
  ...nodeMutants,
  ...exchangeMutants,
  ...schedulerMutants,
}
