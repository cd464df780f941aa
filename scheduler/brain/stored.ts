/**
 * What of a live job and of a task is kept as JSON beside their rows' own columns. What is as usual is left out: it is most
 * of it, and these texts are written at every move and read at every start. A reader takes both forms.
 */
import { outcomes, taskStates, type Outcome, type TaskCounts } from '../../proto/job.ts'
import { ownLabels } from '../core/placement/shape.ts'
import type { Task, TaskState } from '../core/task-state.ts'
import type { LiveJob, StoredFacts, WantedFact } from '../state/live-job.ts'
import { noneEnded } from '../state/live-job.ts'
import type { LastEntry, LiveSchedule, StoredSchedule } from '../state/live-schedule.ts'

type AboutRow = { owner: string; submittedAt: number; kind: string }

const nowhere: StoredFacts['where'] = {}
const nothing: StoredFacts['after'] = []
const usualPartition = (kind: string) => (kind === 'continuous' ? 'stop' : 'keep')
const isUsual = ({ what, by, why, at }: WantedFact, row: AboutRow) =>
  what === 'run' && by === row.owner && why === '' && at === row.submittedAt

/** Of thousands at once nearly all have nothing to tell. */
function textOf(told: object): string {
  for (const _ in told) return JSON.stringify(told)
  return '{}'
}

export function factsText(job: LiveJob): string {
  const { shape } = job
  const facts: Partial<StoredFacts> = {}
  if (shape.whereKey !== '') facts.where = ownLabels(shape.where)
  if (shape.resources !== null) facts.resources = shape.resources
  if (job.beginAt !== null) facts.beginAt = job.beginAt
  if (job.after.length > 0) facts.after = [...job.after]
  if (job.array !== null) facts.array = job.array
  if (job.maxRunning !== null) facts.maxRunning = job.maxRunning
  if (job.retry !== 0) facts.retry = job.retry
  if (job.restart !== 'always') facts.restart = job.restart
  if (job.onPartition !== usualPartition(job.kind)) facts.onPartition = job.onPartition
  if (job.exits !== null) facts.exits = job.exits
  if (!isUsual(job.wanted, job)) facts.wanted = job.wanted
  if (job.restartOrder !== null) facts.restartOrder = job.restartOrder
  if (job.epochBase !== 0) facts.epochBase = job.epochBase
  // Of a finished job it is the cause in its row.
  if (job.worst !== null && job.finishedAt === null) facts.worst = job.worst
  if (job.cancelled !== null) facts.cancelled = job.cancelled
  const rest = textOf(facts)
  const { slots, memBytes } = shape
  return `{"slots":${slots},"memBytes":${memBytes}${rest === '{}' ? '' : ','}${rest.slice(1)}`
}

export function factsOf(text: string, row: AboutRow): StoredFacts {
  const facts = JSON.parse(text) as Partial<StoredFacts>
  return {
    slots: facts.slots ?? 1,
    memBytes: facts.memBytes ?? 0,
    where: facts.where ?? nowhere,
    resources: facts.resources ?? null,
    beginAt: facts.beginAt ?? null,
    after: facts.after ?? nothing,
    array: facts.array ?? null,
    maxRunning: facts.maxRunning ?? null,
    retry: facts.retry ?? 0,
    restart: facts.restart ?? 'always',
    onPartition: facts.onPartition ?? usualPartition(row.kind),
    exits: facts.exits ?? null,
    wanted: facts.wanted ?? { what: 'run', by: row.owner, why: '', at: row.submittedAt },
    restartOrder: facts.restartOrder ?? null,
    epochBase: facts.epochBase ?? 0,
    worst: facts.worst ?? null,
    cancelled: facts.cancelled ?? null,
  }
}

const countNames = [...taskStates.filter((state) => state !== 'finished'), ...outcomes]

export function countsText(counts: TaskCounts): string {
  const told: Partial<TaskCounts> = {}
  for (const name of countNames) if (counts[name] !== 0) told[name] = counts[name]
  return JSON.stringify(told)
}

export function countsOfText(text: string): TaskCounts {
  const told = JSON.parse(text) as Partial<TaskCounts>
  return Object.fromEntries(countNames.map((name) => [name, told[name] ?? 0])) as TaskCounts
}

/** Of a live job: how many of its tasks have ended, by outcome. */
export function endedOf(text: string): Readonly<Record<Outcome, number>> {
  const { succeeded = 0, failed = 0, cancelled = 0 } = JSON.parse(text) as Partial<TaskCounts>
  return succeeded + failed + cancelled > 0 ? { succeeded, failed, cancelled } : noneEnded
}

type StoredTask = { state: TaskState } & Partial<Omit<Task, 'state'>>

export function taskText(task: Task): string {
  const told: StoredTask = { state: task.state }
  if (task.lastRun !== 0) told.lastRun = task.lastRun
  if (task.lastEnded !== 0) told.lastEnded = task.lastEnded
  if (task.failures !== 0) told.failures = task.failures
  if (task.avoid.length > 0) told.avoid = task.avoid
  if (task.suspend) told.suspend = true
  return JSON.stringify(told)
}

export function taskOfText(text: string): Omit<Task, 'job' | 'index' | 'since' | 'epoch'> {
  const { state, lastRun, lastEnded, failures, avoid, suspend } = JSON.parse(text) as StoredTask
  return {
    state,
    lastRun: lastRun ?? 0,
    lastEnded: lastEnded ?? 0,
    failures: failures ?? 0,
    avoid: avoid ?? [],
    suspend: suspend ?? false,
  }
}

export function scheduleText(schedule: LiveSchedule): string {
  const { cursorAt, paused, firedAhead, queue, lastEntry } = schedule
  const isUsualOne = paused === null && firedAhead.length + queue.length === 0
  if (isUsualOne && lastEntry?.dueAt === cursorAt) return '{}'
  const told: Partial<StoredSchedule> = {}
  if (paused !== null) told.paused = paused
  if (firedAhead.length > 0) told.firedAhead = firedAhead
  if (queue.length > 0) told.queue = queue
  // Nearly always it is what the ledger has at the cursor.
  if (lastEntry?.dueAt !== cursorAt) told.lastEntry = lastEntry
  return textOf(told)
}

/** `atCursor`: what the ledger has there. */
export function scheduleOfText(text: string, atCursor: LastEntry | null): StoredSchedule {
  const { paused, firedAhead, queue, lastEntry } = JSON.parse(text) as Partial<StoredSchedule>
  return {
    paused: paused ?? null,
    firedAhead: firedAhead ?? [],
    queue: queue ?? [],
    lastEntry: lastEntry === undefined ? atCursor : lastEntry,
  }
}

/** Of a named resource: in the grid, and on each node that has some of its own. */
export type StoredResource = { total: number | null; nodes: [node: string, total: number][] }
