/** The words that options take, without the schemas that name them: those take long to load. */
import type { jobKinds as kinds, taskStates as states } from '../../proto/job.ts'

export const jobKinds = ['task', 'continuous'] as const satisfies typeof kinds
export const taskStates = [
  'held',
  'pending',
  'placed',
  'running',
  'backoff',
  'suspended',
  'stopping',
  'unreachable',
  'finished',
] as const satisfies typeof states
