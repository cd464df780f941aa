/** Reads: live work from memory, finished work from the store. */
import { iso, parseJobRef, taskKey } from '../../proto/ids.ts'
import type {
  Explanation,
  JobDetail,
  JobSpec,
  JobSummary,
  TaskView,
  TimelineEntry,
} from '../../proto/job.ts'
import { globTest } from '../core/glob.ts'
import { done, refuse, type Result } from '../core/result.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { EventRow, JobRow, RunRow, TaskRow } from '../store/change.ts'
import type { Call, Caller } from './call.ts'
import type { BrainContext } from './context.ts'
import { explainLive } from './explain-live.ts'
import { taskOfRow } from './rows.ts'
import { factsOf } from './stored.ts'
import {
  cancelledViews,
  finishedSummary,
  liveSummary,
  rangeView,
  runView,
  taskView,
} from './views.ts'

const timelineLength = 200
const tasksPerPage = 1_000
const runsShown = 50

/** A job whether it lives or not. */
export type Found = { live: LiveJob; row: null } | { live: null; row: JobRow }

export async function findJob(
  ctx: BrainContext,
  caller: Caller,
  text: string,
): Promise<Result<Found & { index: number | null }>> {
  const ref = parseJobRef(text)
  const index = ref.kind === 'number' ? ref.index : null
  const id = ref.kind === 'number' ? ref.job : ctx.state.newest(caller.owner, ref.name)
  const live = id === null ? undefined : ctx.state.jobs.get(id)
  if (live) return done({ live, row: null, index })
  await ctx.journal.settled()
  const row =
    ref.kind === 'number'
      ? await ctx.store.query('job', { id: ref.job })
      : await ctx.store.query('newestByName', { owner: caller.owner, name: ref.name })
  if (row === null) {
    return refuse(
      'not-found',
      `there is no job "${text}"`,
      'list live ones with `eg jobs`, finished ones with `eg history`',
    )
  }
  return done({ live: null, row, index })
}

export async function listJobs(
  ctx: BrainContext,
  { caller, query }: Call<'listJobs'>,
): Promise<Result<{ jobs: JobSummary[]; next: string | null }>> {
  const owner = query.owner ?? (query.all === true ? null : caller.owner)
  if (query.finished === true || query.state === 'finished') return listFinished(ctx, query, owner)
  const after = query.page === undefined ? 0 : Number(query.page)
  if (!Number.isSafeInteger(after))
    return refuse('invalid', `"${query.page}" is not a page of this list`)
  const limit = query.limit ?? 10_000
  const nameFits = query.name === undefined ? null : globTest(query.name)
  const jobs: JobSummary[] = []
  let next: string | null = null
  // Jobs live in memory in the order of their numbers.
  for (const job of ctx.state.jobs.values()) {
    if (job.id <= after || (owner !== null && job.owner !== owner)) continue
    if (query.kind !== undefined && job.kind !== query.kind) continue
    if (query.schedule !== undefined && job.schedule !== query.schedule) continue
    if (nameFits && !nameFits(job.name)) continue
    const summary = liveSummary(job)
    if (query.state !== undefined && summary.state !== query.state) continue
    if (jobs.length === limit) {
      next = String(jobs.at(-1)?.id ?? after)
      break
    }
    jobs.push(summary)
  }
  return done({ jobs, next })
}

async function listFinished(
  ctx: BrainContext,
  query: Call<'listJobs'>['query'],
  owner: string | null,
): Promise<Result<{ jobs: JobSummary[]; next: string | null }>> {
  const limit = Math.min(query.limit ?? 100, 10_000)
  const [finishedAt, id] = (query.page ?? '').split('.').map(Number)
  const before = query.page === undefined ? null : { finishedAt: finishedAt ?? 0, id: id ?? 0 }
  await ctx.journal.settled()
  const { kind = null, name = null, schedule = null } = query
  const rows = await ctx.store.query('finished', {
    owner,
    kind,
    name,
    schedule,
    before,
    limit: limit + 1,
  })
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const next = rows.length > limit && last ? `${last.finishedAt}.${last.id}` : null
  const jobs = page.map(({ lastNode, ...row }) => ({ ...finishedSummary(row), node: lastNode }))
  return done({ jobs, next })
}

export async function showJob(
  ctx: BrainContext,
  call: Call<'showJob'>,
): Promise<Result<JobDetail>> {
  const found = await findJob(ctx, call.caller, call.params.job)
  if (!found.ok) return found
  const { live, row, index } = found.value
  const id = live?.id ?? row?.id ?? 0
  await ctx.journal.settled()
  const [from, to] = taskRange(call.query.tasks, index)
  const taskRows = await ctx.store.query('tasks', { job: id, from, to, limit: tasksPerPage + 1 })
  const page = taskRows.slice(0, tasksPerPage)
  const last = page.at(-1)?.index ?? 0
  const [runRows, ranges, events, stored] = await Promise.all([
    ctx.store.query('runs', { job: id, from, to: last, newest: runsShown }),
    ctx.store.query('ranges', { job: id }),
    ctx.store.query('jobEvents', { job: id, limit: timelineLength }),
    row ? Promise.resolve(row) : ctx.store.query('job', { id }),
  ])
  if (!stored?.specJson) return refuse('not-found', `job ${id} is no longer kept`)
  const spec = JSON.parse(stored.specJson) as JobSpec
  const tasks = tasksOf(live, page, live ? withUsage(ctx, runRows) : runRows)
  if (live) {
    const whole = ranges.filter((range) => range.from <= to && range.to >= from)
    tasks.push(...whole.map((range) => rangeView(live, range.from, range.to)))
  }
  const { wanted, ...facts } = live ?? factsOf(stored.factsJson, stored)
  tasks.push(...cancelledViews(facts, from, to))
  tasks.sort((a, b) => firstIndex(a) - firstIndex(b))
  return done({
    ...(live ? liveSummary(live) : withNode(finishedSummary(stored), runRows)),
    spec,
    wanted: { ...wanted, at: iso(wanted.at) },
    tasks,
    tasksNext: taskRows.length > tasksPerPage ? last + 1 : null,
    timeline: events.map(timelineEntry),
  })
}

/** What a run that goes on uses is only in memory, as its node last said it. */
function withUsage(ctx: BrainContext, runs: readonly RunRow[]): RunRow[] {
  return runs.map((run) => {
    if (run.endedAt !== null) return run
    const said = ctx.state.nodes.get(run.node)?.usages.get(taskKey(run.job, run.index))
    const isOfRun = said?.epoch === run.epoch && said.run === run.number
    return isOfRun ? { ...run, usageJson: JSON.stringify(said.usage) } : run
  })
}

/** Where a plain finished job ran last. */
function withNode(summary: JobSummary, runs: readonly RunRow[]): JobSummary {
  return summary.array === null ? { ...summary, node: runs.at(-1)?.node ?? null } : summary
}

function taskRange(text: string | undefined, index: number | null): [number, number] {
  if (index !== null) return [index, index]
  if (text === undefined) return [0, 2 ** 31]
  const [from, to] = text.split('-').map(Number)
  return [from ?? 0, to ?? from ?? 0]
}

const firstIndex = (view: TaskView): number => ('index' in view ? view.index : view.range[0])

function tasksOf(
  live: LiveJob | null,
  rows: readonly TaskRow[],
  runs: readonly RunRow[],
): TaskView[] {
  const runsOf = groupByIndex(runs)
  return rows.map((row) => {
    const task = live?.tasks?.get(row.index) ?? taskOfRow(row)
    const own = runsOf.get(row.index) ?? []
    const view = taskView(task, own.map(runView))
    // Where it ended is where it ran last.
    return view.state === 'finished' ? { ...view, node: own.at(-1)?.node ?? null } : view
  })
}

function groupByIndex(runs: readonly RunRow[]): Map<number, RunRow[]> {
  const groups = new Map<number, RunRow[]>()
  for (const run of runs) {
    const group = groups.get(run.index)
    if (group) group.push(run)
    else groups.set(run.index, [run])
  }
  return groups
}

const timelineEntry = ({ id, at, task, what, by, detail }: EventRow): TimelineEntry => ({
  id,
  at: iso(at),
  task,
  what,
  by,
  detail,
})

export async function waitJob(
  ctx: BrainContext,
  call: Call<'waitJob'>,
): Promise<Result<JobSummary>> {
  const found = await findJob(ctx, call.caller, call.params.job)
  if (!found.ok) return found
  const { live, row } = found.value
  if (row) return done(finishedSummary(row))
  if (!ctx.state.jobs.has(live.id)) return done(liveSummary(live))
  const timeoutMs = call.query.timeoutMs ?? 30_000
  await new Promise<void>((resolve) => {
    const waiters = ctx.finishWaiters.get(live.id) ?? new Set()
    ctx.finishWaiters.set(live.id, waiters)
    const finished = (): void => {
      cancel()
      resolve()
    }
    const cancel = ctx.clock.after(timeoutMs, () => {
      waiters.delete(finished)
      resolve()
    })
    waiters.add(finished)
  })
  return done(liveSummary(live))
}

export async function explainJob(
  ctx: BrainContext,
  call: Call<'explainJob'>,
): Promise<Result<Explanation>> {
  const found = await findJob(ctx, call.caller, call.params.job)
  if (!found.ok) return found
  const { live, row } = found.value
  if (live) return done(explainLive(ctx, live))
  const { state, reason, outcome } = finishedSummary(row)
  return done({
    job: row.id,
    state,
    summary: `job ${row.id} has ${outcome}${reason ? `: ${reason}` : ''}`,
    reasons: [],
    wayOut: null,
    ahead: null,
  })
}
