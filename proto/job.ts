/** Jobs: what a user submits, what the scheduler keeps of it, and what it tells about it. */
import { Type, type Static } from 'typebox'

import { Cause, Usage } from './cause.ts'
import { Instant, Nullable } from './ids.ts'
import { ArrayRange, Dependency } from './job-parts.ts'
import { JobKind, JobSpec } from './job-spec.ts'

export * from './job-parts.ts'
export * from './job-spec.ts'

/** States of a task; a job's own state follows from its tasks (see `jobStateOf`). */
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
] as const
export type TaskStateName = (typeof taskStates)[number]
export const TaskStateName = Type.Unsafe<TaskStateName>({ type: 'string', enum: taskStates })

export const outcomes = ['succeeded', 'failed', 'cancelled'] as const
export type Outcome = (typeof outcomes)[number]
export const Outcome = Type.Unsafe<Outcome>({ type: 'string', enum: outcomes })

/** What a client sends: only `kind`, `command` and `cwd` must be said, the scheduler fills in the rest. */
export const JobRequest = Type.Intersect([
  Type.Pick(JobSpec, ['command', 'cwd']),
  Type.Partial(Type.Omit(JobSpec, ['command', 'cwd', 'after'])),
  Type.Object({
    after: Type.Optional(
      Type.Array(
        Type.Object({
          job: Type.String({ description: 'number or name of a live job of yours' }),
          on: Dependency.properties.on,
          all: Type.Optional(
            Type.Boolean({
              description: 'every one of that number or name (* and ? allowed); none is no error',
            }),
          ),
        }),
        { maxItems: 1000 },
      ),
    ),
    owner: Type.Optional(Type.String({ description: 'operators only: submit for this account' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'only check; `job` is then 0' })),
    once: Type.Optional(
      Type.Boolean({
        description:
          'refuse with name-taken while a live job of that owner has this name; one that is being stopped is waited for',
      }),
    ),
  }),
])
export type JobRequest = Static<typeof JobRequest>

/** What `eg edit` may change; each field says in the reply when it takes effect. */
export const JobEdit = Type.Partial(
  Type.Pick(JobSpec, [
    'priority',
    'memBytes',
    'timeMs',
    'cpuCores',
    'pids',
    'maxRunning',
    'retry',
    'beginAt',
    'command',
    'env',
    'secretEnv',
    'cwd',
    'out',
    'err',
    'where',
    'resources',
    'restart',
    'check',
    'silenceMs',
    'stop',
    'warn',
    'slots',
    'onPartition',
    'notes',
  ]),
)
export type JobEdit = Static<typeof JobEdit>
export type EditEffect = 'now' | 'next-run' | 'next-placement'

export const Run = Type.Object({
  number: Type.Integer(),
  epoch: Type.Integer(),
  node: Type.String(),
  pid: Nullable(Type.Integer()),
  startedAt: Nullable(Instant),
  endedAt: Nullable(Instant),
  exitCode: Nullable(Type.Integer()),
  signal: Nullable(Type.String()),
  cause: Nullable(Cause),
  usage: Nullable(Usage),
})
export type Run = Static<typeof Run>

const taskCore = {
  state: TaskStateName,
  outcome: Nullable(Outcome),
  node: Nullable(Type.String()),
  epoch: Type.Integer(),
  since: Nullable(Instant),
  reason: Nullable(Type.String({ description: 'why it is in this state, for people' })),
  cause: Nullable(Cause),
  crashLoop: Type.Boolean(),
  nextRunAt: Nullable(Instant),
}
/** One touched task (`index`), or a stretch of untouched ones that share a state (`range`: from, to). */
export const TaskView = Type.Union([
  Type.Object({ index: Type.Integer(), ...taskCore, runs: Type.Optional(Type.Array(Run)) }),
  Type.Object({
    range: Type.Tuple([Type.Integer(), Type.Integer()]),
    step: Type.Integer(),
    ...taskCore,
  }),
])
export type TaskView = Static<typeof TaskView>

export const TaskCounts = Type.Object(
  Object.fromEntries(
    [...taskStates.filter((state) => state !== 'finished'), ...outcomes].map((key) => [
      key,
      Type.Integer(),
    ]),
  ) as Record<Exclude<TaskStateName, 'finished'> | Outcome, ReturnType<typeof Type.Integer>>,
)
export type TaskCounts = Static<typeof TaskCounts>

export const JobSummary = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  owner: Type.String(),
  kind: JobKind,
  state: TaskStateName,
  outcome: Nullable(Outcome),
  cause: Nullable(Cause),
  node: Nullable(Type.String({ description: 'of a job with one task' })),
  queue: Type.String(),
  slots: Type.Integer(),
  memBytes: Type.Integer(),
  priority: Type.Integer(),
  submittedAt: Instant,
  startedAt: Nullable(Instant),
  finishedAt: Nullable(Instant),
  array: Nullable(ArrayRange),
  counts: TaskCounts,
  schedule: Nullable(Type.String()),
  reason: Nullable(Type.String()),
  crashLoop: Type.Boolean(),
  restarts: Type.Integer({ description: 'runs beyond the first' }),
  beginAt: Type.Optional(Nullable(Instant)),
  waitsFor: Type.Optional(Type.Array(Type.Integer(), { description: 'jobs, of a live job' })),
  unfinished: Type.Optional(Type.Array(TaskView, { description: 'its tasks, where asked for' })),
})
export type JobSummary = Static<typeof JobSummary>

export const Wanted = Type.Object({
  what: Type.Unsafe<'run' | 'hold' | 'suspend' | 'stop'>({
    type: 'string',
    enum: ['run', 'hold', 'suspend', 'stop'],
  }),
  by: Type.String(),
  why: Type.String(),
  at: Instant,
})
export type Wanted = Static<typeof Wanted>

export const TimelineEntry = Type.Object({
  id: Type.Integer(),
  at: Instant,
  task: Nullable(Type.Integer()),
  what: Type.String({ examples: ['submitted', 'placed', 'run-started', 'run-ended'] }),
  by: Nullable(Type.String()),
  detail: Type.String({ description: 'for people' }),
})
export type TimelineEntry = Static<typeof TimelineEntry>

export const JobDetail = Type.Intersect([
  JobSummary,
  Type.Object({
    spec: JobSpec,
    wanted: Wanted,
    tasks: Type.Array(TaskView),
    tasksNext: Nullable(Type.Integer({ description: 'first index of the next page' })),
    timeline: Type.Array(TimelineEntry),
    past: Type.Optional(
      Nullable(
        Type.Object(
          {
            runs: Type.Integer(),
            peakMemBytes: Type.Integer(),
            advice: Nullable(Type.String({ description: 'for people: what to ask for' })),
          },
          { description: 'what the last ended runs of the owner’s jobs of this name peaked at' },
        ),
      ),
    ),
  }),
])
export type JobDetail = Static<typeof JobDetail>

/** Why a job waits: reasons counted over nodes, and the smallest change that would let it start. */
export const Explanation = Type.Object({
  job: Type.Integer(),
  state: TaskStateName,
  summary: Type.String(),
  reasons: Type.Array(
    Type.Object({ code: Type.String(), nodes: Nullable(Type.Integer()), detail: Type.String() }),
  ),
  wayOut: Nullable(Type.String({ description: 'smallest change that would let it start' })),
  ahead: Nullable(Type.Integer({ description: 'waiting tasks that go before it' })),
})
export type Explanation = Static<typeof Explanation>

/** Fixed precedence: a job is in the first of these states that any of its tasks is in. */
export const precedence: readonly TaskStateName[] = [
  'unreachable',
  'stopping',
  'running',
  'backoff',
  'suspended',
  'placed',
  'pending',
  'held',
  'finished',
]
export function jobStateOf(counts: TaskCounts): TaskStateName {
  return precedence.find((state) => state !== 'finished' && counts[state] > 0) ?? 'finished'
}
