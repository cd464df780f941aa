/** Schedules and their ledger: each due time has one firing that says what became of it. */
import { Type, type Static } from 'typebox'

import { Instant, Name, Nullable } from './ids.ts'
import { JobRequest } from './job.ts'

export const overlapPolicies = ['forbid', 'queue', 'replace', 'allow'] as const
export type Overlap = (typeof overlapPolicies)[number]
export const catchUpPolicies = ['none', 'last', 'all'] as const
export type CatchUp = (typeof catchUpPolicies)[number]

export const ScheduleSpec = Type.Object({
  name: Name,
  expression: Type.String({
    minLength: 1,
    maxLength: 200,
    examples: ['0 3 * * *', '@hourly', 'H * * * *'],
  }),
  tz: Type.String({ maxLength: 64, examples: ['Europe/Berlin', 'UTC'] }),
  overlap: Type.Unsafe<Overlap>({ type: 'string', enum: overlapPolicies }),
  catchUp: Type.Unsafe<CatchUp>({ type: 'string', enum: catchUpPolicies }),
  jitterMs: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
  job: JobRequest,
})
export type ScheduleSpec = Static<typeof ScheduleSpec>

export const ScheduleRequest = Type.Intersect([
  Type.Pick(ScheduleSpec, ['name', 'expression', 'job']),
  Type.Partial(Type.Pick(ScheduleSpec, ['tz', 'overlap', 'catchUp', 'jitterMs'])),
])
export type ScheduleRequest = Static<typeof ScheduleRequest>
export const ScheduleEdit = Type.Partial(Type.Omit(ScheduleSpec, ['name']))
export type ScheduleEdit = Static<typeof ScheduleEdit>

export const firingOutcomes = ['ran', 'queued', 'skipped', 'missed'] as const
export type FiringOutcome = (typeof firingOutcomes)[number]

/** Neighbouring skipped or missed due times share one entry: `dueAt` to `until`, `count` of them. */
export const Firing = Type.Object({
  dueAt: Instant,
  until: Nullable(Instant),
  count: Type.Integer({ minimum: 1 }),
  outcome: Type.Unsafe<FiringOutcome>({ type: 'string', enum: firingOutcomes }),
  jobId: Nullable(Type.Integer()),
  manual: Type.Boolean(),
  why: Type.String(),
  at: Instant,
})
export type Firing = Static<typeof Firing>

/** Schedules wait after a step of the wall clock: `steppedByMs` forward (back: below 0), `leftMs` at most. */
export const ClockView = Type.Object({
  wallClock: Instant,
  held: Nullable(
    Type.Object({ steppedByMs: Type.Integer(), leftMs: Type.Integer({ minimum: 0 }) }),
  ),
})
export type ClockView = Static<typeof ClockView>

export const ScheduleSummary = Type.Object({
  name: Type.String(),
  owner: Type.String(),
  expression: Type.String(),
  tz: Type.String(),
  overlap: ScheduleSpec.properties.overlap,
  catchUp: ScheduleSpec.properties.catchUp,
  jitterMs: Type.Integer(),
  paused: Nullable(Type.Object({ by: Type.String(), why: Type.String(), at: Instant })),
  next: Type.Array(Instant),
  lastFiring: Nullable(Firing),
  liveJobs: Type.Array(Type.Integer()),
})
export type ScheduleSummary = Static<typeof ScheduleSummary>

/** A schedule as it is from now on. */
export const ScheduleChanged = Type.Intersect([
  ScheduleSummary,
  Type.Object({
    warnings: Type.Optional(
      Type.Array(Type.String(), { description: 'what would keep its jobs from running' }),
    ),
  }),
])
export type ScheduleChanged = Static<typeof ScheduleChanged>

export const ScheduleDetail = Type.Intersect([
  ScheduleSummary,
  Type.Object({ job: JobRequest, ledger: Type.Array(Firing) }),
])
export type ScheduleDetail = Static<typeof ScheduleDetail>
