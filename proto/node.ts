/** Nodes: what an exec-node says about its machine, and what people see of it. */
import { Type, type Static } from 'typebox'

import { Instant, NodeNameSchema, Nullable } from './ids.ts'

export const enforcements = ['cgroup2', 'cgroup1', 'rlimit'] as const
export type Enforcement = (typeof enforcements)[number]
export const Enforcement = Type.Unsafe<Enforcement>({ type: 'string', enum: enforcements })

/** `joining` until its first full report; `silent` is shown, nothing done; `lost` after its lease is over. */
export const nodeStates = ['joining', 'up', 'silent', 'lost'] as const
export type NodeStateName = (typeof nodeStates)[number]

/** What the machine is; sent with each full report. */
export const NodeFacts = Type.Object({
  slots: Type.Integer({ minimum: 1 }),
  memBytes: Type.Integer({ minimum: 1 }),
  labels: Type.Record(Type.String(), Type.String()),
  enforcement: Enforcement,
  version: Type.String(),
  bootId: Type.String(),
  machineId: Type.String(),
  /** Of the board, where it can be read: that of a cloned machine differs, whatever its disk says. */
  hardware: Type.Optional(Type.String()),
})
export type NodeFacts = Static<typeof NodeFacts>

export const verdicts = ['ok', 'failing', 'critical', 'unknown'] as const
export type Verdict = (typeof verdicts)[number]

/** One health probe's present answer, after hysteresis. */
export const ProbeReport = Type.Object({
  probe: Type.String({ examples: ['spool-disk', 'memory-pressure'] }),
  verdict: Type.Unsafe<Verdict>({ type: 'string', enum: verdicts }),
  value: Type.String({ examples: ['3.1% free'] }),
  threshold: Type.String({ examples: ['failing below 5%, critical below 1%'] }),
  since: Instant,
})
export type ProbeReport = Static<typeof ProbeReport>

export const drainEnds = ['requeue', 'kill', 'wait'] as const
export type DrainEnd = (typeof drainEnds)[number]

/** What is not said of a drain that is under way stays as it was; a deadline of `null` is none. */
export const DrainRequest = Type.Object({
  reason: Type.Optional(Type.String({ maxLength: 1000 })),
  deadlineMs: Type.Optional(Nullable(Type.Integer({ minimum: 0 }))),
  then: Type.Optional(Type.Unsafe<DrainEnd>({ type: 'string', enum: drainEnds })),
  atOnce: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  dryRun: Type.Optional(Type.Boolean()),
})
export type DrainRequest = Static<typeof DrainRequest>

/** What a drain does with each task of the node; `to` is where its place is, or will be, reserved. */
export const DrainStep = Type.Object({
  task: Type.String(),
  name: Type.String(),
  owner: Type.String(),
  what: Type.Unsafe<'move' | 'moving' | 'finish' | 'no-room' | 'unreachable'>({
    type: 'string',
    enum: ['move', 'moving', 'finish', 'no-room', 'unreachable'],
  }),
  to: Nullable(Type.String()),
  detail: Type.String(),
})
export type DrainStep = Static<typeof DrainStep>

export const DrainView = Type.Object({
  state: Type.Unsafe<'planned' | 'draining' | 'drained'>({
    type: 'string',
    enum: ['planned', 'draining', 'drained'],
  }),
  by: Type.String(),
  reason: Type.String(),
  startedAt: Nullable(Instant),
  deadlineAt: Nullable(Instant),
  then: Type.Unsafe<DrainEnd>({ type: 'string', enum: drainEnds }),
  atOnce: Type.Integer(),
  steps: Type.Array(DrainStep),
  left: Type.Integer({ description: 'tasks that still hold a place on the node' }),
})
export type DrainView = Static<typeof DrainView>

export const NodeView = Type.Object({
  name: NodeNameSchema,
  state: Type.Unsafe<NodeStateName>({ type: 'string', enum: nodeStates }),
  cordoned: Type.Boolean(),
  reason: Nullable(Type.String({ description: 'why it takes no new work' })),
  drain: Nullable(DrainView),
  slots: Type.Integer(),
  slotsUsed: Type.Integer(),
  memBytes: Type.Integer(),
  memUsedBytes: Type.Integer({ description: 'given to placed tasks' }),
  enforcement: Enforcement,
  labels: Type.Record(Type.String(), Type.String()),
  version: Type.String(),
  lastReportAt: Nullable(Instant),
  lease: Type.String({ description: 'for people: its end, or why it has none' }),
  health: Type.Array(ProbeReport),
  tasks: Type.Integer({ description: 'tasks placed there' }),
  stuck: Type.Array(
    Type.Object({
      task: Type.String(),
      pid: Type.Integer(),
      state: Type.String({ examples: ['D'] }),
      waitChannel: Type.String({ examples: ['rpc_wait_bit_killable'] }),
    }),
    { description: 'processes that SIGKILL did not end: they hold their place' },
  ),
  unknownRuns: Type.Array(
    Type.Object({ task: Type.String(), epoch: Type.Integer(), detail: Type.String() }),
  ),
})
export type NodeView = Static<typeof NodeView>
