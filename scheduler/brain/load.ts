/** From what is stored to what lives: the brain after a start knows all that was acknowledged before. */
import { taskKey } from '../../proto/ids.ts'
import type { ScheduleSpec } from '../../proto/schedule.ts'
import type { Log } from '../../src/lib/log.ts'
import { parseExpression } from '../core/cron/expression.ts'
import { nextDue } from '../core/cron/next-due.ts'
import { filledQueue, type Queue } from '../core/queue.ts'
import { placementOf, type Task } from '../core/task-state.ts'
import type { GridState } from '../state/grid.ts'
import { IndexRanges, noIndexes, oneIndex, type Stretch } from '../state/index-ranges.ts'
import type { LiveJob } from '../state/live-job.ts'
import { newNode, type LiveNode, type StoredNode } from '../state/live-node.ts'
import { scheduleKey, type LastEntry, type LiveSchedule } from '../state/live-schedule.ts'
import { streamedTables } from '../store/change.ts'
import type {
  FiringRow,
  JobRow,
  NodeRow,
  QueueRow,
  ResourceRow,
  Snapshot,
  StreamedTable,
  TakeRows,
} from '../store/change.ts'
import { taskOfRow } from './rows.ts'
import { endedOf, factsOf, scheduleOfText, type StoredResource } from './stored.ts'
import { addHolders } from './unknown-runs.ts'

export function loadState(state: GridState, snapshot: Snapshot, log: Log): void {
  stateLoader(state).finish(snapshot, log)
}

export type StateLoader = { take: TakeRows; finish(snapshot: Snapshot, log: Log): void }

/** Takes rows while the store reads on: a long queue lives by the time that it is read. */
export function stateLoader(state: GridState): StateLoader {
  const stretches = new Map<number, Stretch[]>()
  const takers: { [K in StreamedTable]: (row: Snapshot[K][number]) => void } = {
    nodes: (row) => addNode(state, row),
    ranges({ job, from, to }) {
      const known = stretches.get(job)
      if (known) known.push([from, to])
      else stretches.set(job, [[from, to]])
    },
    jobs: (row) => state.addJob(jobOfRow(state, row, stretches.get(row.id) ?? [])),
    tasks(row) {
      const job = state.jobs.get(row.job)
      if (job && row.state !== 'finished') addTask(state, job, taskOfRow(row))
    },
  }
  const take: TakeRows = (of, rows) => {
    for (const row of rows) takers[of](row)
  }
  return {
    take,
    finish(snapshot, log) {
      for (const of of streamedTables) take(of, snapshot[of])
      addQueues(state, snapshot.queues)
      addResources(state, snapshot.resources)
      addRights(state, snapshot)
      const parse = rememberingParser()
      const atCursor = new Map(
        snapshot.firingsAtCursor.map((row) => [scheduleKey(row.owner, row.schedule), entryOf(row)]),
      )
      for (const row of snapshot.schedules)
        addSchedule(state, row, atCursor.get(scheduleKey(row.owner, row.name)) ?? null, parse, log)
      for (const { owner, text, namesJson } of snapshot.crontabs)
        state.crontabs.set(owner, { text, names: JSON.parse(namesJson) as string[] })
      for (const job of state.jobs.values()) {
        if (job.schedule !== null)
          addLiveJob(state.schedules.get(scheduleKey(job.owner, job.schedule)), job.id)
      }
    },
  }
}

/** Jobs come before the queues: the nodes of a queue are told to its jobs afterwards. */
function addQueues(state: GridState, rows: readonly QueueRow[]): void {
  for (const { name, dataJson } of rows) {
    const data = JSON.parse(dataJson) as Partial<Queue>
    state.queues.set(name, { ...filledQueue({ name }), ...data })
  }
  if (rows.length > 0) for (const job of state.jobs.values()) job.shape = state.shapeOf(job.shape)
}

function addResources(state: GridState, rows: readonly ResourceRow[]): void {
  for (const { name, dataJson } of rows) {
    const { total, nodes } = JSON.parse(dataJson) as StoredResource
    state.capacity.resources.define(name, { total, nodes: new Map(nodes) })
  }
}

function addRights(state: GridState, snapshot: Snapshot): void {
  for (const row of snapshot.roles) state.roles.set(row.owner, row)
  for (const row of snapshot.sharing)
    state.sharing.set(row.owner, [...(state.sharing.get(row.owner) ?? []), row])
  for (const row of snapshot.joinTokens) state.joinTokens.set(row.id, row)
  for (const row of snapshot.nodeKeys) state.nodeKeys.set(row.node, row)
  for (const row of snapshot.apiTokens) state.tokens.set(row.id, row)
  state.lastJoinToken = snapshot.joinTokens.at(-1)?.id ?? 0
  state.lastToken = snapshot.apiTokens.at(-1)?.id ?? 0
}

function addNode(state: GridState, row: NodeRow): void {
  const { holders = [], ...stored } = JSON.parse(row.dataJson) as StoredNode
  // It reported to an earlier start: silent until it does again, and judged from our own beginning.
  const node: LiveNode = {
    ...newNode(row.name),
    ...stored,
    state: stored.facts ? 'silent' : 'joining',
  }
  state.nodes.set(row.name, node)
  addHolders(state, node, holders)
}

function jobOfRow(state: GridState, row: Omit<JobRow, 'specJson'>, stretches: Stretch[]): LiveJob {
  const facts = factsOf(row.factsJson, row)
  const shape = state.shapeOf({
    owner: row.owner,
    queue: row.queue,
    slots: facts.slots,
    memBytes: facts.memBytes,
    where: facts.where,
    resources: facts.resources,
    spread: row.kind === 'continuous',
  })
  // Written out, in the order of a submitted job: spreading would make a slow, large object of each.
  return {
    id: row.id,
    owner: row.owner,
    name: row.name,
    kind: row.kind,
    queue: row.queue,
    submittedAt: row.submittedAt,
    schedule: row.schedule,
    dueAt: row.dueAt,
    array: facts.array,
    shape,
    priority: row.priority,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
    beginAt: facts.beginAt,
    wanted: facts.wanted,
    after: facts.after,
    maxRunning: facts.maxRunning,
    retry: facts.retry,
    restart: facts.restart,
    onPartition: facts.onPartition,
    exits: facts.exits,
    restartOrder: facts.restartOrder,
    untouched: untouchedIn(facts.array, stretches),
    tasks: null,
    placed: 0,
    ended: endedOf(row.countsJson),
    worst: facts.worst,
    cancelled: facts.cancelled,
    epochBase: facts.epochBase,
    remindAt: null,
    restarts: row.restarts,
  }
}

function addTask(state: GridState, job: LiveJob, task: Task): void {
  job.tasks ??= new Map()
  job.tasks.set(task.index, task)
  if (job.array === null) {
    state.use.count(job.owner, 'pending', -job.untouched.count)
    job.untouched = noIndexes
  }
  const placement = placementOf(task.state)
  if (placement === null) {
    state.use.count(job.owner, 'pending', 1)
    return
  }
  job.placed += 1
  state.capacity.take(placement.node, job.shape)
  state.shares.take(job.shape)
  state.nodes.get(placement.node)?.tasks.add(taskKey(job.id, task.index))
}

/** A plain job's task is untouched as long as no task of it is loaded. */
function untouchedIn(array: LiveJob['array'], stretches: Stretch[]): IndexRanges {
  if (array === null) return oneIndex
  return stretches.length === 0 ? noIndexes : new IndexRanges(stretches, array.step)
}

type Parse = typeof parseExpression

/** Thousands of schedules share a few expressions; only those with a place by hash differ for each. */
function rememberingParser(): Parse {
  const known = new Map<string, ReturnType<Parse>>()
  return (text, tz, spread) => {
    if (/[H@]/i.test(text)) return parseExpression(text, tz, spread)
    const key = `${text}\0${tz}`
    const parsed = known.get(key) ?? parseExpression(text, tz, spread)
    known.set(key, parsed)
    return parsed
  }
}

function addLiveJob(schedule: LiveSchedule | undefined, job: number): void {
  if (schedule) schedule.liveJobs = [...schedule.liveJobs, job]
}

const entryOf = (row: FiringRow): LastEntry => {
  const { dueAt, until, count, outcome, manual, why, at, jobId } = row
  return { dueAt, until, count, outcome, manual, why, at, jobId }
}

function addSchedule(
  state: GridState,
  row: Snapshot['schedules'][number],
  atCursor: LastEntry | null,
  parse: Parse,
  log: Log,
): void {
  const spec = JSON.parse(row.specJson) as ScheduleSpec
  const parsed = parse(spec.expression, spec.tz, { owner: row.owner, name: row.name })
  if (!parsed.ok) {
    // It was accepted once; a newer version or zone database sees it otherwise. It stays in the store.
    log.error({
      event: 'schedule-unreadable',
      owner: row.owner,
      schedule: row.name,
      error: parsed.problem,
    })
    return
  }
  const schedule: LiveSchedule = {
    ...scheduleOfText(row.dataJson, atCursor),
    owner: row.owner,
    name: row.name,
    spec,
    templateOf: row.templateOf,
    cron: parsed.value,
    cursorAt: row.cursorAt,
    nextDue: nextDue(parsed.value, row.cursorAt),
    liveJobs: [],
    armedAt: null,
    recentStarts: [],
    manualAt: null,
    fuseToldAt: null,
    rewinding: false,
  }
  state.addSchedule(schedule)
  state.due.arm(schedule)
}
