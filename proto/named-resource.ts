/** Named resources: things that tasks hold beside slots and memory, as licences, locks and connections. */
import { Type, type Static } from 'typebox'

import { Instant, Name, NodeNameSchema, Nullable } from './ids.ts'
import { JobKind } from './job.ts'

const Total = Type.Integer({ minimum: 0, maximum: 1_000_000_000 })

export const ResourceRequest = Type.Object({
  name: Name,
  total: Total,
  node: Type.Optional(
    Type.Unsafe<string>({ ...NodeNameSchema, description: 'of this node alone' }),
  ),
})
export type ResourceRequest = Static<typeof ResourceRequest>

export const ResourceView = Type.Object({
  name: Name,
  total: Nullable(
    Type.Integer({ description: 'in the grid; null: only nodes have it, each for itself' }),
  ),
  taken: Type.Integer({ description: 'by tasks that hold a place, in all' }),
  free: Nullable(Type.Integer({ description: 'in the grid; null as `total`' })),
  nodes: Type.Array(
    Type.Object({
      node: Type.String(),
      total: Type.Integer(),
      taken: Type.Integer({ description: 'with what is reserved for tasks that move there' }),
      free: Type.Integer(),
    }),
    { description: 'nodes with a total of their own' },
  ),
  waiting: Type.Integer({ description: 'tasks that wait and ask for it, whatever they wait for' }),
})
export type ResourceView = Static<typeof ResourceView>

export const ResourceDetail = Type.Intersect([
  ResourceView,
  Type.Object({
    holders: Type.Array(
      Type.Object({
        job: Type.Integer(),
        task: Nullable(Type.Integer({ description: 'of an array' })),
        name: Type.String({ description: 'empty of what this database does not know' }),
        owner: Type.String({ description: 'empty of what this database does not know' }),
        node: Type.String(),
        amount: Type.Integer(),
        since: Nullable(Instant),
      }),
      { description: 'who holds it, the longest first, at most 1000' },
    ),
    waiters: Type.Array(
      Type.Object({
        job: Type.Integer(),
        name: Type.String(),
        owner: Type.String(),
        kind: JobKind,
        amount: Type.Integer({ description: 'for each task' }),
        tasks: Type.Integer(),
        since: Instant,
      }),
      { description: 'jobs with tasks that wait and ask for it, the oldest first, at most 1000' },
    ),
  }),
])
export type ResourceDetail = Static<typeof ResourceDetail>
