/** Rows of every table for tests of the store, complete, with what a test cares about replaced. */
import type {
  AuditRow,
  Change,
  EventRow,
  FiringRow,
  JobRow,
  RunRow,
  TaskRow,
} from '../../scheduler/store/change.ts'

export const jobRow = (id: number, more: Partial<JobRow> = {}): JobRow => ({
  id,
  owner: 'anna',
  name: `job${id}`,
  kind: 'task',
  queue: 'main',
  specJson: `{"command":["job","${id}"],"odd":"ü\\u0000\\"'"}`,
  factsJson: '{"slots":1}',
  priority: 0,
  submittedAt: 1_000 + id,
  startedAt: null,
  finishedAt: null,
  state: 'pending',
  outcome: null,
  causeJson: null,
  countsJson: '{"pending":1}',
  restarts: 0,
  schedule: null,
  dueAt: null,
  ...more,
})
export const finishedJobRow = (id: number, finishedAt: number, more: Partial<JobRow> = {}) =>
  jobRow(id, { state: 'finished', outcome: 'succeeded', finishedAt, ...more })

export const taskRow = (job: number, index = 1, more: Partial<TaskRow> = {}): TaskRow => ({
  job,
  index,
  state: 'pending',
  outcome: null,
  node: null,
  epoch: 0,
  since: 1_000,
  dataJson: '{}',
  ...more,
})

export const runRow = (job: number, more: Partial<RunRow> = {}): RunRow => ({
  job,
  index: 1,
  epoch: 1,
  number: 1,
  node: 'node1',
  pid: 4711,
  startedAt: 2_000,
  endedAt: null,
  causeJson: null,
  usageJson: null,
  outputJson: null,
  ...more,
})

export const eventRow = (id: number, more: Partial<EventRow> = {}): EventRow => ({
  id,
  at: 1_000 + id,
  what: 'submitted',
  job: null,
  task: null,
  node: null,
  schedule: null,
  owner: null,
  by: null,
  detail: 'for people',
  ...more,
})

export const firingRow = (dueAt: number, more: Partial<FiringRow> = {}): FiringRow => ({
  owner: 'anna',
  schedule: 'nightly',
  dueAt,
  until: null,
  count: 1,
  outcome: 'skipped',
  jobId: null,
  manual: false,
  why: 'still running',
  at: dueAt + 1,
  ...more,
})

export const auditRow = (id: number, more: Partial<AuditRow> = {}): AuditRow => ({
  id,
  at: 1_000 + id,
  by: 'anna',
  rights: 'user',
  from: '127.0.0.1',
  what: 'stop',
  about: 'job 7',
  job: null,
  toJob: null,
  owner: 'anna',
  own: false,
  beforeJson: '{"wanted":"run"}',
  afterJson: '{"wanted":"stop"}',
  ...more,
})

/** What one submit leaves: job, task and two events. */
export function submitChanges(id: number, more: Partial<JobRow> = {}): Change[] {
  return [
    { put: 'job', row: jobRow(id, more) },
    { put: 'task', row: taskRow(id) },
    { put: 'event', row: eventRow(2 * id - 1, { job: id }) },
    { put: 'event', row: eventRow(2 * id, { job: id, what: 'held' }) },
  ]
}
