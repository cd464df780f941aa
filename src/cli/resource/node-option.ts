/** Of which node a resource is meant. */
import type { OptionTable } from '../options.ts'

export const nodeOption = {
  node: { value: 'NODE', help: 'what this node has of it (default: what the whole grid has)' },
} as const satisfies OptionTable
