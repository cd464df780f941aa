/** Parts of which a job's spec is made. */
import { Type, type Static } from 'typebox'

import { Name, Nullable } from './ids.ts'

export const Text = (maxLength: number, description?: string) =>
  Type.String({
    maxLength,
    pattern: '^[^\\u0000]*$',
    ...(description === undefined ? {} : { description }),
  })

export const ArrayRange = Type.Object({
  from: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
  to: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
  step: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
})
export type ArrayRange = Static<typeof ArrayRange>

export const Dependency = Type.Object({
  job: Type.Integer({ minimum: 1 }),
  on: Type.Unsafe<'ok' | 'any' | 'fail'>({ type: 'string', enum: ['ok', 'any', 'fail'] }),
})
export type Dependency = Static<typeof Dependency>

export const Check = Type.Object({
  probe: Type.Union([
    Type.Object({
      kind: Type.Literal('command'),
      argv: Type.Array(Text(131_072), { minItems: 1, maxItems: 1000 }),
    }),
    Type.Object({
      kind: Type.Literal('http'),
      url: Type.String({
        maxLength: 2048,
        pattern: '^https?://',
        description: 'begins with http:// or https://',
      }),
    }),
  ]),
  intervalMs: Type.Integer({ minimum: 1000 }),
  timeoutMs: Type.Integer({ minimum: 100 }),
  threshold: Type.Integer({
    minimum: 1,
    description: 'failures in a row that make the run unhealthy',
  }),
})
export type Check = Static<typeof Check>

export const VariableName = Type.String({ pattern: '^[^=\\u0000]+$' })

/** Said in clear in requests and orders, sealed where it is kept. Null: it is there and not told; in an edit, it stays. */
export const SecretEnv = Type.Record(VariableName, Nullable(Text(131_072)), {
  description:
    'variables whose values are kept encrypted and told to nobody; null in an edit keeps the present value',
})
export type SecretEnv = Static<typeof SecretEnv>

/** Wider than other names: programs make them, as in `nf-align_(3)`. */
export const JobName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z_][A-Za-z0-9_.@+()\\[\\]{}=,%#~-]*$',
  description:
    'starts with a letter or underscore; letters, digits and _ . @ + - ( ) [ ] { } = , % # ~',
})

/** Named resources, as operators have defined them: how much of each one task holds while it has a place. */
export const ResourceAsks = Type.Record(
  Name,
  Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
  {
    maxProperties: 32,
    description: 'named resources that each task holds while it has a place',
  },
)

const ExitCode = Type.Integer({ minimum: 1, maximum: 255 })
/** Ends of a one-off that are not its end: exit codes that mean again, or hold me; and the loss of its node. */
export const Exits = Type.Object({
  again: Type.Optional(Nullable(ExitCode)),
  hold: Type.Optional(Nullable(ExitCode)),
  lost: Type.Optional(Type.Boolean({ description: 'one that its node took down runs again' })),
})
export type Exits = Static<typeof Exits>
