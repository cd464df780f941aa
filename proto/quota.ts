/** Quotas: what an owner may have of the grid at once. Null is no limit. */
import { Type, type Static } from 'typebox'

import { Instant, Name, Nullable } from './ids.ts'
import { longestMs } from './job.ts'
import { limitNames, type LimitName } from './limits.ts'

export const subjectKinds = ['default', 'group', 'owner'] as const
/** Whom a rule is for: everybody, each member of a unix group, or one owner. Named: `default`, `group:lab`, `owner:anna`. */
export const QuotaSubject = Type.Object({
  kind: Type.Unsafe<(typeof subjectKinds)[number]>({ type: 'string', enum: subjectKinds }),
  name: Nullable(Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]*$' })),
})
export type QuotaSubject = Static<typeof QuotaSubject>

const Value = Nullable(Type.Integer({ minimum: 0, description: 'null: no limit' }))
const LimitNameSchema = Type.Unsafe<LimitName>({ type: 'string', enum: limitNames })

export const QuotaRequest = Type.Object({
  subject: QuotaSubject,
  set: Type.Optional(
    Type.Partial(
      Type.Object(
        Object.fromEntries(limitNames.map((name) => [name, Value])) as Record<
          LimitName,
          typeof Value
        >,
      ),
    ),
  ),
  unset: Type.Optional(
    Type.Array(LimitNameSchema, { maxItems: limitNames.length, description: 'as if never said' }),
  ),
  forMs: Type.Optional(
    Type.Integer({
      minimum: 1_000,
      maximum: longestMs,
      description: 'a raise: over after this, and what was said for good holds again',
    }),
  ),
  why: Type.Optional(Type.String({ maxLength: 1000 })),
})
export type QuotaRequest = Static<typeof QuotaRequest>

/** One thing said about one limit. */
export const QuotaRule = Type.Object({
  subject: QuotaSubject,
  limit: LimitNameSchema,
  value: Value,
  until: Nullable(Instant),
  by: Type.String(),
  at: Instant,
  why: Type.String(),
})
export type QuotaRule = Static<typeof QuotaRule>

export const QuotaView = Type.Object({
  owner: Type.String(),
  limits: Type.Array(
    Type.Object({
      limit: LimitNameSchema,
      value: Value,
      used: Type.Integer(),
      from: Type.String({
        description: 'who says so: built-in, default, group:NAME or owner:NAME',
        examples: ['built-in', 'group:lab'],
      }),
      until: Nullable(Instant),
    }),
  ),
  jobs: Type.Array(
    Type.Object({
      job: Type.Integer(),
      name: Name,
      slots: Type.Integer({ description: 'that it holds' }),
      memBytes: Type.Integer({ description: 'that it holds' }),
      placed: Type.Integer({ description: 'tasks' }),
      pending: Type.Integer({ description: 'tasks' }),
    }),
    { description: 'live jobs that use most, at most 20' },
  ),
})
export type QuotaView = Static<typeof QuotaView>
