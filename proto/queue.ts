/** Queues: named classes of jobs, with their nodes, limits, priority, and who may use them. */
import { Type, type Static } from 'typebox'

import { Instant, Name, Nullable } from './ids.ts'
import { JobKind, longestMs } from './job.ts'

const Names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]*$' }), {
    maxItems: 10_000,
    description,
  })
const Limit = (minimum: number, description: string, more: { maximum?: number } = {}) =>
  Nullable(Type.Integer({ minimum, ...more, description: `${description}; null: no limit` }))

export const QueueSpec = Type.Object({
  name: Name,
  priority: Type.Integer({
    minimum: -1000,
    maximum: 1000,
    description: 'what waits in a higher queue starts first, whoever owns it',
  }),
  kinds: Type.Array(JobKind, { minItems: 1, maxItems: 2, description: 'of jobs that it takes' }),
  nodes: Names('nodes by name; empty: any'),
  where: Type.Record(Type.String({ maxLength: 128 }), Type.String({ maxLength: 256 }), {
    description: 'labels that its nodes must have, beside their names',
  }),
  users: Names('who may use it; empty, with `groups`: everybody'),
  groups: Names('unix groups whose members may use it'),
  slots: Limit(0, 'held at once by all of it: more waits'),
  jobs: Limit(0, 'live jobs in it'),
  taskMemBytes: Limit(1_048_576, 'that one task may ask for'),
  timeMs: Limit(1, 'the longest time limit of a run, and that of jobs that say none', {
    maximum: longestMs,
  }),
})
export type QueueSpec = Static<typeof QueueSpec>

export const QueueRequest = Type.Intersect([
  Type.Pick(QueueSpec, ['name']),
  Type.Partial(Type.Omit(QueueSpec, ['name'])),
])
export type QueueRequest = Static<typeof QueueRequest>
export const QueueEdit = Type.Partial(Type.Omit(QueueSpec, ['name']))
export type QueueEdit = Static<typeof QueueEdit>

export const QueueView = Type.Intersect([
  QueueSpec,
  Type.Object({
    closed: Nullable(
      Type.Object({ by: Type.String(), why: Type.String(), at: Instant }),
      // What runs in a closed queue goes on; what waits, and what is submitted, waits.
    ),
    builtIn: Type.Boolean({ description: 'there from the start: it cannot be removed' }),
    live: Type.Integer({ description: 'live jobs in it' }),
    placed: Type.Integer({ description: 'tasks that have a place' }),
    pending: Type.Integer({ description: 'tasks that wait' }),
    slotsHeld: Type.Integer(),
    nodesNow: Type.Integer({ description: 'nodes of the grid that it may use' }),
  }),
])
export type QueueView = Static<typeof QueueView>
