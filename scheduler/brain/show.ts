/** One job whole: its tasks, their runs, and the timeline of decisions. */
import type { Cause } from '../../proto/cause.ts'
import { iso, taskKey } from '../../proto/ids.ts'
import type { JobDetail, JobSpec, JobSummary, TaskView, TimelineEntry } from '../../proto/job.ts'
import { done, refuse, type Result } from '../core/result.ts'
import { pastOf, pastRuns } from '../core/right-size.ts'
import { hideSecrets } from '../core/secret-env.ts'
import { placementOf } from '../core/task-state.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { EventRow, RunRow, TaskRow } from '../store/change.ts'
import type { Call } from './call.ts'
import type { BrainContext } from './context.ts'
import { findJob, type Found } from './reads.ts'
import { taskOfRow } from './rows.ts'
import { mayMaintain } from './sharing.ts'
import { factsOf } from './stored.ts'
import {
  cancelledViews,
  finishedSummary,
  firstIndex,
  liveSummary,
  rangeView,
  runView,
  taskView,
} from './views.ts'

const timelineLength = 200
const tasksPerPage = 1_000
const runsShown = 50
const mostTries = 5

/** What is in memory and what is in the store are read one after the other: where the job moved between, both anew. */
export async function showJob(
  ctx: BrainContext,
  call: Call<'showJob'>,
): Promise<Result<JobDetail>> {
  for (let tries = 1; ; tries += 1) {
    const found = await findJob(ctx, call.caller, call.params.job)
    if (!found.ok) return found
    const { live } = found.value
    if (live === null) return look(ctx, call, found.value)
    const watch = ctx.journal.watch(live.id)
    try {
      const shown = await look(ctx, call, found.value)
      // An array of which something ends all the time has no quiet moment; an end of all comes once.
      const isRestless = tries >= mostTries && ctx.state.jobs.get(live.id) === live
      if (!watch.hasChanged() || isRestless) return shown
    } finally {
      watch.end()
    }
  }
}

async function look(
  ctx: BrainContext,
  call: Call<'showJob'>,
  found: Found & { index: number | null },
): Promise<Result<JobDetail>> {
  const { live, row, index } = found
  const { id } = found.live ?? found.row
  await ctx.journal.settled()
  const [from, to] = taskRange(call.query.tasks, index)
  const taskRows = await ctx.store.query('tasks', { job: id, from, to, limit: tasksPerPage + 1 })
  const page = taskRows.slice(0, tasksPerPage)
  const last = page.at(-1)?.index ?? 0
  const { owner, name } = found.live ?? found.row
  const [runRows, ranges, events, peaks, stored] = await Promise.all([
    ctx.store.query('runs', { job: id, from, to: last, newest: runsShown }),
    ctx.store.query('ranges', { job: id }),
    ctx.store.query('jobEvents', { job: id, limit: timelineLength }),
    ctx.store.query('pastPeaks', { owner, name, limit: pastRuns }),
    row ? Promise.resolve(row) : ctx.store.query('job', { id }),
  ])
  if (!stored?.specJson) return refuse('not-found', `job ${id} is no longer kept`)
  const whole = hideSecrets(JSON.parse(stored.specJson) as JobSpec)
  const spec = mayMaintain(ctx, call.caller, owner, id) ? whole : forStrangers(whole)
  const tasks = tasksOf(live, page, live ? withUsage(ctx, runRows) : runRows)
  if (live) {
    const untouched = live.array === null ? untouchedOf(live, taskRows) : ranges
    const stretches = untouched.filter((range) => range.from <= to && range.to >= from)
    tasks.push(...stretches.map((range) => rangeView(live, range.from, range.to)))
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
    past: pastOf(name, peaks, spec.memBytes),
  })
}

/** Where passwords are: the processes of a job hide these from other accounts too. */
function forStrangers(spec: JobSpec): JobSpec {
  const told: JobSpec = { ...spec, env: {} }
  delete told.script
  delete told.secretEnv
  return told
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

/** Of a plain job: its only task, until it has a row or was ended without one. */
const untouchedOf = (live: LiveJob, rows: readonly TaskRow[]): { from: number; to: number }[] =>
  rows.length > 0 || live.cancelled !== null ? [] : [{ from: 1, to: 1 }]

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

function tasksOf(
  live: LiveJob | null,
  rows: readonly TaskRow[],
  runs: readonly RunRow[],
): TaskView[] {
  const runsOf = groupByIndex(runs)
  return rows.map((row) => {
    const task = live?.tasks?.get(row.index) ?? taskOfRow(row)
    const epoch = placementOf(task.state)?.epoch ?? null
    const own = (runsOf.get(row.index) ?? []).map((run) => withUntold(run, epoch))
    const view = taskView(task, own.map(runView))
    // Where it ended is where it ran last.
    return view.state === 'finished' ? { ...view, node: own.at(-1)?.node ?? null } : view
  })
}

/** Of a placement that is over, while its node has not told how: a machine that never comes back tells nothing. */
function withUntold(run: RunRow, epoch: number | null): RunRow {
  if (run.endedAt !== null || run.causeJson !== null || run.epoch === epoch) return run
  const cause: Cause = { kind: 'outcome-unknown', detail: `${run.node} has not told of its end` }
  return { ...run, causeJson: JSON.stringify(cause) }
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
