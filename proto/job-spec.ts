/** All that a job says, as the scheduler keeps it. */
import { Type, type Static } from 'typebox'

import { Instant, Name, Nullable } from './ids.ts'
import {
  ArrayRange,
  Check,
  Dependency,
  Exits,
  JobName,
  ResourceAsks,
  SecretEnv,
  Text,
  VariableName,
} from './job-parts.ts'

export const jobKinds = ['task', 'continuous'] as const
export type JobKind = (typeof jobKinds)[number]
export const JobKind = Type.Unsafe<JobKind>({ type: 'string', enum: jobKinds })

/** A hundred years. */
export const longestMs = 3_155_760_000_000
const Ms = (description: string) => Type.Integer({ minimum: 0, maximum: longestMs, description })
const Signal = Type.String({ pattern: '^SIG[A-Z0-9]+$', maxLength: 32, examples: ['SIGTERM'] })

/** All that a job says, complete: defaults are filled in once, at the edge, by scheduler/core/admission. */
export const JobSpec = Type.Object({
  name: JobName,
  kind: JobKind,
  command: Type.Array(Text(131_072), { minItems: 1, maxItems: 10_000, description: 'argv' }),
  env: Type.Record(VariableName, Text(131_072)),
  secretEnv: Type.Optional(SecretEnv),
  cwd: Type.String({ pattern: '^/[^\\u0000]*$', maxLength: 4095 }),
  umask: Type.Integer({ minimum: 0, maximum: 0o777 }),
  stdin: Nullable(Text(4095)),
  out: Nullable(Text(4095)),
  err: Nullable(Text(4095)),
  slots: Type.Integer({ minimum: 1, maximum: 100_000 }),
  cpuCores: Nullable(
    Type.Number({ exclusiveMinimum: 0, description: 'hard processor limit in cores' }),
  ),
  memBytes: Type.Integer({ minimum: 1_048_576 }),
  pids: Type.Integer({ minimum: 1 }),
  timeMs: Nullable(Ms('time limit of one run')),
  queue: Name,
  where: Type.Record(Type.String({ maxLength: 128 }), Type.String({ maxLength: 256 }), {
    description: 'labels that the node must have',
  }),
  resources: Type.Optional(ResourceAsks),
  priority: Type.Integer({ minimum: -1023, maximum: 1024 }),
  after: Type.Array(Dependency, { maxItems: 1000 }),
  array: Nullable(ArrayRange),
  maxRunning: Nullable(Type.Integer({ minimum: 1 })),
  retry: Type.Integer({
    minimum: 0,
    maximum: 1000,
    description: 'further runs after a failed one',
  }),
  hold: Type.Boolean(),
  beginAt: Nullable(Instant),
  restart: Type.Unsafe<'always' | 'on-failure'>({ type: 'string', enum: ['always', 'on-failure'] }),
  check: Nullable(Check),
  silenceMs: Nullable(Ms('no output for so long counts as unhealthy')),
  stop: Type.Object({ signal: Signal, graceMs: Ms('between the stop signal and SIGKILL') }),
  warn: Type.Object({ signal: Signal, beforeMs: Ms('before the time limit') }),
  onPartition: Type.Unsafe<'stop' | 'keep'>({ type: 'string', enum: ['stop', 'keep'] }),
  script: Type.Optional(
    Text(
      1_048_576,
      'written to a file before each run; `command` names it as the word $JOB_SCRIPT',
    ),
  ),
  exits: Type.Optional(Exits),
  notes: Type.Optional(
    Type.Record(Type.String({ maxLength: 128 }), Text(131_072), {
      description: 'what the submitter says of it: kept and shown, never judged',
    }),
  ),
})
export type JobSpec = Static<typeof JobSpec>
