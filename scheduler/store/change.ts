/**
 * What the brain hands to the store: copies of rows, taken when made, in the order they were made.
 * A later row with the same key replaces an earlier one. Times are milliseconds since 1970; fields that end
 * in `Json` are JSON text, written by the brain and not looked into by the store.
 */
import type { JobKind, Outcome, TaskStateName } from '../../proto/job.ts'
import type { Rights, Role } from '../../proto/rights.ts'
import type { FiringOutcome } from '../../proto/schedule.ts'

export type JobRow = {
  id: number
  owner: string
  name: string
  kind: JobKind
  queue: string
  /** The whole JobSpec; memory does not keep it. In a change, null leaves the stored one, or its schedule's template, as it is. */
  specJson: string | null
  /** What memory keeps of a live job, so that a start reads no specs. */
  factsJson: string
  priority: number
  submittedAt: number
  startedAt: number | null
  /** Set once, when the last task finished; the row is history from then on. */
  finishedAt: number | null
  state: TaskStateName
  outcome: Outcome | null
  causeJson: string | null
  /** TaskCounts. */
  countsJson: string
  restarts: number
  /** Name of the owner's schedule that made it, and its due time. */
  schedule: string | null
  dueAt: number | null
}

/** Tasks of an array that were never placed: one row for each unbroken stretch. A plain job's task is untouched until it has a row. */
export type RangeRow = { job: number; from: number; to: number }

export type TaskRow = {
  job: number
  index: number
  state: TaskStateName
  outcome: Outcome | null
  node: string | null
  epoch: number
  since: number
  /** The rest of the task's state, whatever its state carries. */
  dataJson: string
}

export type RunRow = {
  job: number
  index: number
  epoch: number
  number: number
  node: string
  pid: number | null
  startedAt: number | null
  endedAt: number | null
  causeJson: string | null
  usageJson: string | null
  /** OutputMarks `{out, err}` and the kept tail `{out, err}` (base64). */
  outputJson: string | null
}

export type EventRow = {
  id: number
  at: number
  what: string
  job: number | null
  task: number | null
  node: string | null
  schedule: string | null
  owner: string | null
  by: string | null
  detail: string
}

export type NodeRow = { name: string; dataJson: string }
/** `subject` as in scheduler/core/quota.ts. */
export type QuotaRow = { subject: string; dataJson: string }
/** Slots that an owner held on average, as it was `at`. */
export type ShareRow = { owner: string; average: number; at: number }
/** `namesJson`: names of schedules, in the order of its lines. */
export type CrontabRow = { owner: string; text: string; namesJson: string }
export type QueueRow = { name: string; dataJson: string }
/** How much there is of a named resource. */
export type ResourceRow = { name: string; dataJson: string }
export type ScheduleRow = ScheduleProgress & { specJson: string }
/** What moves with each firing: written without the spec, which does not. */
export type ScheduleProgress = {
  owner: string
  name: string
  cursorAt: number
  dataJson: string
}

/** JobSpec of a schedule's jobs from number `fromJob` on, which have none of their own. */
export type TemplateRow = {
  owner: string
  schedule: string
  fromJob: number
  /** Of the jobs. */
  name: string
  specJson: string
  /** Mark of the settings that it was made with. */
  settings: string
}

/** Key: owner, schedule, manual, dueAt. */
export type FiringRow = {
  owner: string
  schedule: string
  dueAt: number
  until: number | null
  count: number
  outcome: FiringOutcome
  jobId: number | null
  manual: boolean
  why: string
  at: number
}

export type ReplyRow = {
  owner: string
  key: string
  route: string
  hash: string
  status: number
  replyJson: string
  at: number
}
/** `hash` is SHA-256 of its secret part, hex. */
export type ApiTokenRow = {
  id: number
  hash: string
  owner: string
  name: string
  scopesJson: string
  createdAt: number
  expiresAt: number
  revokedAt: number | null
  revokedBy: string | null
}
/** `job` 0: all jobs of the owner. */
export type SharingRow = { owner: string; job: number; group: string; by: string; at: number }
export type JoinTokenRow = {
  id: number
  /** SHA-256 of its secret part, hex. */
  hash: string
  /** The one node that may use it. */
  node: string | null
  by: string
  createdAt: number
  expiresAt: number
  usedAt: number | null
  usedBy: string | null
}
/** `oldHash`: of the secret before, until the new one is used. */
export type NodeKeyRow = { node: string; hash: string; oldHash: string | null; since: number }
export type RoleRow = { owner: string; role: Role; by: string; at: number }
/** Written once, never again. */
export type AuditRow = {
  id: number
  at: number
  by: string
  rights: Rights
  from: string
  what: string
  about: string
  job: number | null
  /** Last of several jobs whose numbers follow each other. */
  toJob: number | null
  owner: string | null
  /** Done by the owner: kept as long as events; the rest is kept longer. */
  own: boolean
  beforeJson: string
  afterJson: string
}
/** `hash` is SHA-256 of the token, hex. */
export type TokenRow = { hash: string; owner: string; expiresAt: number }

export type Change =
  | { put: 'job'; row: JobRow }
  | { put: 'range'; row: RangeRow }
  | { drop: 'ranges'; job: number }
  | { put: 'task'; row: TaskRow }
  | { put: 'run'; row: RunRow }
  | { put: 'event'; row: EventRow }
  | { put: 'node'; row: NodeRow }
  | { drop: 'node'; name: string }
  | { put: 'quota'; row: QuotaRow }
  | { drop: 'quota'; subject: string }
  | { put: 'share'; row: ShareRow }
  | { drop: 'share'; owner: string }
  | { put: 'crontab'; row: CrontabRow }
  | { put: 'queue'; row: QueueRow }
  | { drop: 'queue'; name: string }
  | { put: 'resource'; row: ResourceRow }
  | { drop: 'resource'; name: string }
  | { put: 'schedule'; row: ScheduleRow }
  | { advance: 'schedule'; row: ScheduleProgress }
  | { drop: 'schedule'; owner: string; name: string }
  | { put: 'template'; row: TemplateRow }
  | { put: 'firing'; row: FiringRow }
  | { put: 'reply'; row: ReplyRow }
  | { put: 'token'; row: TokenRow }
  | { put: 'apiToken'; row: ApiTokenRow }
  | { drop: 'apiToken'; id: number }
  | { put: 'sharing'; row: SharingRow }
  | { drop: 'sharing'; owner: string; job: number; group: string }
  | { put: 'joinToken'; row: JoinTokenRow }
  | { put: 'nodeKey'; row: NodeKeyRow }
  | { drop: 'nodeKey'; node: string }
  | { put: 'role'; row: RoleRow }
  | { drop: 'role'; owner: string }
  | { put: 'audit'; row: AuditRow }
  | { put: 'meta'; key: string; value: string }

/**
 * Kept in meta under `backup`, as JSON, by every copy that `eg backup` makes: whoever starts on it knows that the grid
 * has gone on since. Empty in a database that is in use.
 */
export type BackupMark = {
  /** ms since 1970. */
  madeAt: number
  /** Version of Evergrid that made it. */
  version: string
  /** Files of the data folder that a restore on a new machine needs: name -> text. */
  secrets: Record<string, string>
  /** Of the database whose place it took, where that could be read: highest incarnation and next number given. */
  seen: { incarnation: number; nextJob: number } | null
}

/** All that lives: what the brain starts from. */
export type Snapshot = {
  meta: Record<string, string>
  /** Highest numbers that history holds: new ones go on from there. */
  newestJob: number
  newestEvent: number
  newestAudit: number
  /** Jobs with `finishedAt` null, without their specs. */
  jobs: Omit<JobRow, 'specJson'>[]
  ranges: RangeRow[]
  /** Unfinished tasks of these jobs; of the finished ones only `countsJson` of the job is needed. */
  tasks: TaskRow[]
  nodes: NodeRow[]
  /** With the mark of each schedule's newest template. */
  schedules: (ScheduleRow & { templateOf: string | null })[]
  crontabs: CrontabRow[]
  quotas: QuotaRow[]
  queues: QueueRow[]
  resources: ResourceRow[]
  shares: ShareRow[]
  /** The firing that each schedule's cursor stands at, where it is in the ledger. */
  firingsAtCursor: FiringRow[]
  /** Idempotency keys younger than 24 h, without replies. */
  replies: Omit<ReplyRow, 'replyJson'>[]
  tokens: TokenRow[]
  roles: RoleRow[]
  apiTokens: ApiTokenRow[]
  joinTokens: JoinTokenRow[]
  nodeKeys: NodeKeyRow[]
  sharing: SharingRow[]
}

/** Tables of the snapshot that may be long, each after those that its rows belong to. */
export const streamedTables = ['nodes', 'ranges', 'jobs', 'tasks'] as const
export type StreamedTable = (typeof streamedTables)[number]
export type TakeRows = <K extends StreamedTable>(of: K, rows: Snapshot[K]) => void
