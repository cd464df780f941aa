/**
 * The exchange of agent and scheduler: one report up, one stream of orders down. Level-triggered: after any
 * loss both sides exchange full lists. Times are wall-clock milliseconds, uptimes milliseconds of /proc/uptime.
 */
import { Type, type Static } from 'typebox'

import { Cause, Usage } from './cause.ts'
import { NodeNameSchema, Nullable } from './ids.ts'
import { JobSpec, ResourceAsks } from './job.ts'
import { NodeFacts, ProbeReport } from './node.ts'

const At = Type.Integer({ description: 'ms since 1970' })

/** (database incarnation, counter): orders of an older incarnation or a lower counter are ignored. */
export const Revision = Type.Object({ incarnation: Type.Integer(), counter: Type.Integer() })
export type Revision = Static<typeof Revision>

export function isNewer(a: Revision, b: Revision | null): boolean {
  if (b === null || a.incarnation > b.incarnation) return true
  return a.incarnation === b.incarnation && a.counter > b.counter
}

export const RunReport = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  pid: Nullable(Type.Integer()),
  startedAt: Nullable(At),
  endedAt: Nullable(At),
  cause: Nullable(Cause),
  usage: Nullable(Usage),
  outMark: Nullable(Type.Object({ inode: Type.Integer(), offset: Type.Integer() })),
  errMark: Nullable(Type.Object({ inode: Type.Integer(), offset: Type.Integer() })),
  /** The last output of an ended run, at most 64 KiB in all, base64; kept when its node is gone. */
  tail: Nullable(Type.Object({ out: Type.String(), err: Type.String() })),
})
export type RunReport = Static<typeof RunReport>

/** What a placement does on its node. `ended` is said only when its cgroup is empty. */
export const Phase = Type.Union([
  Type.Object({ kind: Type.Literal('accepted') }),
  Type.Object({
    kind: Type.Literal('running'),
    run: Type.Integer(),
    since: At,
    healthy: Type.Boolean(),
  }),
  Type.Object({
    kind: Type.Literal('backoff'),
    until: At,
    failures: Type.Integer({ description: 'ends in a row without a healthy time between' }),
    crashLoop: Type.Boolean(),
  }),
  Type.Object({ kind: Type.Literal('suspended'), run: Type.Integer() }),
  Type.Object({
    kind: Type.Literal('stopping'),
    since: At,
    stuck: Type.Array(
      Type.Object({ pid: Type.Integer(), state: Type.String(), waitChannel: Type.String() }),
    ),
  }),
  Type.Object({ kind: Type.Literal('ended'), cause: Cause }),
])
export type Phase = Static<typeof Phase>

export const PlacementReport = Type.Object({
  task: Type.String(),
  epoch: Type.Integer(),
  phase: Phase,
  /** Runs that began or ended since the scheduler last acknowledged this placement's `version`. */
  runs: Type.Array(RunReport),
  /** Rises with every change the agent makes to this placement. */
  version: Type.Integer(),
  /** Ordered, and not on the node's disk yet: nothing of it has begun, and it may still be lost. */
  unsaved: Type.Optional(Type.Boolean()),
  /** Tails or runs are left out, for the report is full: the next one tells it whole. */
  part: Type.Optional(Type.Boolean()),
  /** What it takes of the node, for a scheduler that does not know the job. */
  slots: Type.Optional(Type.Integer()),
  memBytes: Type.Optional(Type.Integer()),
  resources: Type.Optional(ResourceAsks),
})
export type PlacementReport = Static<typeof PlacementReport>

/** What a running run uses; a figure for people, kept in memory only. */
export const RunUsage = Type.Object({
  task: Type.String(),
  epoch: Type.Integer(),
  run: Type.Integer(),
  usage: Usage,
})
export type RunUsage = Static<typeof RunUsage>

/** Terms of a lease, each counted from when the agent sent the report that it renews. */
export const LeaseTerms = Type.Object({
  termMs: Type.Integer(),
  killMs: Type.Integer(),
  endMs: Type.Integer(),
})
export type LeaseTerms = Static<typeof LeaseTerms>

export const Report = Type.Object({
  protocol: Type.Integer({ description: 'version of this exchange' }),
  node: NodeNameSchema,
  grid: Nullable(
    Type.String({ description: 'grid this node belongs to; null before its first answer' }),
  ),
  session: Type.String({ description: 'one start of the agent' }),
  sequence: Type.Integer({ description: 'rises with each report of the session' }),
  uptimeMs: Type.Integer(),
  facts: NodeFacts,
  /** True: `placements` is all there is on the node. False: only what changed since the last answered report. */
  full: Type.Boolean(),
  revision: Nullable(Revision),
  /** Terms now in force on the node: null when its lease has no end. */
  terms: Nullable(LeaseTerms),
  placements: Type.Array(PlacementReport),
  /** Cgroups and folders that no record explains. */
  oddities: Type.Array(
    Type.Object({ key: Type.String(), detail: Type.String(), populated: Type.Boolean() }),
  ),
  health: Type.Array(ProbeReport),
  /** Runs whose usage has changed much since it was last told. */
  usages: Type.Optional(Type.Array(RunUsage)),
})
export type Report = Static<typeof Report>

export const ReportReply = Type.Object({
  grid: Type.String(),
  /** The scheduler's `protocolVersion`; one that says none speaks 1. */
  protocol: Type.Optional(Type.Integer()),
  incarnation: Type.Integer(),
  /** Renewal counted from when the report was sent; null: no end. */
  terms: Nullable(LeaseTerms),
  /** How often the node should report, where this grid has another pace than the usual one. */
  reportEveryMs: Type.Optional(Type.Integer({ minimum: 1 })),
  wantFull: Type.Boolean(),
  /** Versions that are committed: the agent need not say them again. `forget`: the placement is over. */
  answers: Type.Array(
    Type.Object({
      task: Type.String(),
      epoch: Type.Integer(),
      version: Type.Integer(),
      then: Type.Unsafe<'keep' | 'stop' | 'forget'>({
        type: 'string',
        enum: ['keep', 'stop', 'forget'],
      }),
    }),
  ),
})
export type ReportReply = Static<typeof ReportReply>

/** What is wanted of one placement. `restart` rises with each `eg restart`. */
export const Order = Type.Object({
  task: Type.String(),
  epoch: Type.Integer(),
  owner: Type.String(),
  job: Type.Integer(),
  index: Type.Integer(),
  firstRun: Type.Integer({ description: 'number of this placement’s first run' }),
  want: Type.Union([
    Type.Object({ kind: Type.Literal('run') }),
    Type.Object({ kind: Type.Literal('suspend') }),
    Type.Object({ kind: Type.Literal('stop'), cause: Cause, graceMs: Nullable(Type.Integer()) }),
  ]),
  restart: Type.Object({ count: Type.Integer(), by: Type.String(), why: Type.String() }),
  /** Variables in the spec's `env` whose values are secret: the node keeps them sealed. */
  secrets: Type.Optional(Type.Array(Type.String())),
  /** Of a schedule's job: the due time that its ledger has for it. */
  dueAt: Type.Optional(At),
  spec: JobSpec,
})
export type Order = Static<typeof Order>

/** A question to the node, answered by POST /v1/node/answers/:id. */
export const Ask = Type.Object({
  kind: Type.Literal('read-output'),
  task: Type.String(),
  epoch: Type.Integer(),
  run: Nullable(Type.Integer()),
  stream: Type.Unsafe<'out' | 'err'>({ type: 'string', enum: ['out', 'err'] }),
  cursor: Nullable(Type.String()),
  tailLines: Nullable(Type.Integer()),
  maxBytes: Type.Integer(),
  /** What is needed where the node has forgotten the placement. */
  owner: Type.String(),
  spec: JobSpec,
  job: Type.Integer(),
  index: Type.Integer(),
  mark: Nullable(Type.Object({ inode: Type.Integer(), offset: Type.Integer() })),
  endMark: Nullable(Type.Object({ inode: Type.Integer(), offset: Type.Integer() })),
})
export type Ask = Static<typeof Ask>

/** One line of the order stream (newline-delimited JSON). `full` replaces what is known; absence never stops. */
export const OrderLine = Type.Union([
  Type.Object({
    kind: Type.Literal('full'),
    grid: Type.String(),
    revision: Revision,
    orders: Type.Array(Order),
  }),
  Type.Object({
    kind: Type.Literal('diff'),
    grid: Type.String(),
    revision: Revision,
    base: Type.Integer({ description: 'counter that this difference follows' }),
    orders: Type.Array(Order),
  }),
  Type.Object({ kind: Type.Literal('ask'), id: Type.String(), ask: Ask }),
  Type.Object({ kind: Type.Literal('report-now') }),
  Type.Object({ kind: Type.Literal('ping') }),
])
export type OrderLine = Static<typeof OrderLine>

export const Answer = Type.Object({
  ok: Type.Boolean(),
  problem: Nullable(Type.String()),
  data: Type.String({ description: 'base64' }),
  cursor: Nullable(Type.String()),
  end: Type.Boolean({ description: 'no more bytes now' }),
})
export type Answer = Static<typeof Answer>

/** Rises when a side comes to depend on what the other may not know: docs/protocol.md. */
export const protocolVersion = 1

/** Neighbouring versions speak with each other, so that a grid is upgraded in any order, one step at a time. */
export const speaksWith = (protocol: number): boolean => Math.abs(protocol - protocolVersion) <= 1
