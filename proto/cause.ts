/** Why a run or a task ended, as data. Words for people are made from it in one place: src/cli/words. */
import { Type, type Static } from 'typebox'

import { Nullable } from './ids.ts'

const kind = <K extends string>(value: K) => Type.Literal(value)

export const Cause = Type.Union([
  Type.Object({ kind: kind('exit'), code: Type.Integer({ minimum: 0, maximum: 255 }) }),
  Type.Object({ kind: kind('signal'), signal: Type.String({ examples: ['SIGSEGV'] }) }),
  Type.Object({
    kind: kind('out-of-memory'),
    victim: Nullable(Type.String()),
    peakBytes: Nullable(Type.Integer()),
    limitBytes: Nullable(Type.Integer()),
  }),
  Type.Object({ kind: kind('time-limit'), limitMs: Type.Integer() }),
  Type.Object({ kind: kind('cancelled'), by: Type.String(), why: Type.String() }),
  Type.Object({ kind: kind('restarted'), by: Type.String(), why: Type.String() }),
  Type.Object({ kind: kind('drained'), node: Type.String(), why: Type.String() }),
  Type.Object({ kind: kind('node-lost'), node: Type.String(), why: Type.String() }),
  Type.Object({ kind: kind('lease-expired'), node: Type.String() }),
  Type.Object({ kind: kind('unhealthy'), check: Type.String(), detail: Type.String() }),
  Type.Object({
    kind: kind('could-not-start'),
    call: Type.String({ description: 'system call or step that failed', examples: ['execve'] }),
    error: Type.String({ examples: ['ENOENT'] }),
    detail: Type.String({ description: 'what it was tried on' }),
  }),
  Type.Object({ kind: kind('dependency-failed'), job: Type.Integer(), detail: Type.String() }),
  Type.Object({ kind: kind('outcome-unknown'), detail: Type.String() }),
])
export type Cause = Static<typeof Cause>

/** What a run used, from its cgroup where there is one; null where nothing could measure it. */
export const Usage = Type.Object({
  cpuMs: Nullable(Type.Integer()),
  memBytes: Nullable(Type.Integer()),
  peakMemBytes: Nullable(Type.Integer()),
  readBytes: Nullable(Type.Integer()),
  writtenBytes: Nullable(Type.Integer()),
})
export type Usage = Static<typeof Usage>
