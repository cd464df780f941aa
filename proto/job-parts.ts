/** Parts of which a job's spec is made. */
import { Type, type Static } from 'typebox'

import { Nullable } from './ids.ts'

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
      url: Type.String({ maxLength: 2048, pattern: '^https?://' }),
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

const ExitCode = Type.Integer({ minimum: 1, maximum: 255 })
/** Exit codes of a one-off that are not its end. */
export const Exits = Type.Object({
  again: Type.Optional(Nullable(ExitCode)),
  hold: Type.Optional(Nullable(ExitCode)),
})
export type Exits = Static<typeof Exits>
