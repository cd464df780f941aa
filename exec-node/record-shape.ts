/** Is this text from the spool a record that can be worked with? Anything less would silence the whole node. */
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

import { Cause } from '../proto/cause.ts'
import { Nullable } from '../proto/ids.ts'
import { Order, Phase, RunReport } from '../proto/sync.ts'
import type { PlacementRecord } from './core/record.ts'

const ending = { cause: Cause, graceMs: Nullable(Type.Number()) }

const RunShape = Type.Object({
  bootId: Type.String(),
  state: Type.Union([Type.Literal('intended'), Type.Literal('begun'), Type.Literal('over')]),
  version: Type.Integer(),
  limits: Type.String(),
  report: RunReport,
})

const shape = Compile(
  Type.Object({
    format: Type.Literal(1),
    order: Order,
    wasSingleCopy: Type.Optional(Type.Boolean()),
    version: Type.Integer(),
    ackedVersion: Type.Integer(),
    phase: Phase,
    runs: Type.Array(RunShape),
    nextRun: Type.Integer(),
    failures: Type.Integer(),
    restartsSeen: Type.Integer(),
    backoff: Nullable(Type.Object({ until: Type.Number(), untilUptimeMs: Type.Number() })),
    ending: Nullable(Type.Object(ending)),
    runEnding: Nullable(Type.Object({ ...ending, run: Type.Integer() })),
    stoppingSince: Nullable(Type.Number()),
    frozen: Type.Boolean(),
    bootId: Nullable(Type.String()),
  }),
)

/** What is wrong with it; null: nothing. */
export function flawOf(value: unknown): string | null {
  if (!shape.Check(value)) {
    const [first] = shape.Errors(value)
    return `it is no placement record: ${first?.instancePath ?? ''} ${first?.message ?? ''}`
  }
  return /^\d+\.\d+$/.test(value.order.task) ? null : 'its task has no name'
}

export const isRecord = (value: unknown): value is PlacementRecord => flawOf(value) === null
