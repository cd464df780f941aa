/** Runs as the agent tells them: rows for history, entries for the timeline. */
import type { PlacementReport, RunReport } from '../../proto/sync.ts'
import { causeText } from '../../proto/words.ts'
import { withEnd, withStart, type RunEnd } from '../core/breaker.ts'
import { placementOf, type Task } from '../core/task-state.ts'
import type { LiveJob } from '../state/live-job.ts'
import type { LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { keepHistory } from './quarantine.ts'

/** Number of the newest run that is known afterwards. Marks in `task` what the timeline has told. */
export function recordRuns(
  ctx: BrainContext,
  node: LiveNode,
  job: LiveJob,
  task: Task,
  report: PlacementReport,
): number {
  let lastRun = task.lastRun
  for (const run of report.runs) {
    ctx.journal.change({ put: 'run', row: runRow(node, task, report.epoch, run) })
    if (run.number > lastRun) {
      lastRun = run.number
      started(ctx, node, job, task, run)
      keepHistory(ctx, node, withStart(node.breaker, report.task, ctx.clock.now()))
    }
    if (run.endedAt !== null && run.cause !== null && run.number > task.lastEnded) {
      task.lastEnded = run.number
      const peak = run.usage?.peakMemBytes ?? null
      if (peak !== null) ctx.state.peaks.add(job.owner, job.name, peak)
      if (run.cause) {
        const ranMs = run.startedAt === null ? null : run.endedAt - run.startedAt
        const end: RunEnd = {
          task: report.task,
          owner: job.owner,
          at: ctx.clock.now(),
          ranMs,
          cause: run.cause,
          repeated: run.number > firstRunOf(task),
        }
        keepHistory(ctx, node, withEnd(node.breaker, end, ctx.settings.breaker))
      }
      const detail = `run ${run.number} ended: ${run.cause ? causeText(run.cause) : 'unknown'}`
      note(ctx, 'run-ended', detail, {
        at: happenedAt(ctx, job, run.endedAt),
        job: job.id,
        task: task.index,
        node: node.name,
        owner: job.owner,
      })
    }
  }
  return lastRun
}

/** By the node's clock, which may be off: what happened while we were away keeps its own time. */
const happenedAt = (ctx: BrainContext, job: LiveJob, at: number | null): number =>
  Math.min(ctx.clock.now(), Math.max(at ?? Infinity, job.submittedAt))

const firstRunOf = (task: Task): number => placementOf(task.state)?.firstRun ?? 1

function started(
  ctx: BrainContext,
  node: LiveNode,
  job: LiveJob,
  task: Task,
  run: RunReport,
): void {
  if (run.number > 1) {
    job.restarts += 1
    ctx.journal.job(job)
  }
  // What could not start has an end and no beginning.
  if (run.startedAt === null && run.endedAt !== null) return
  if (job.startedAt === null) {
    job.startedAt = run.startedAt ?? ctx.clock.now()
    ctx.journal.job(job)
  }
  const detail = `run ${run.number} started on ${node.name}${run.pid === null ? '' : ` (pid ${run.pid})`}`
  note(ctx, 'run-started', detail, {
    at: happenedAt(ctx, job, run.startedAt),
    job: job.id,
    task: task.index,
    node: node.name,
    owner: job.owner,
  })
}

function runRow(node: LiveNode, task: Task, epoch: number, run: RunReport) {
  const output =
    run.outMark || run.errMark || run.tail
      ? { out: run.outMark, err: run.errMark, tail: run.tail }
      : null
  return {
    job: task.job,
    index: task.index,
    epoch,
    number: run.number,
    node: node.name,
    pid: run.pid,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    causeJson: run.cause === null ? null : JSON.stringify(run.cause),
    usageJson: run.usage === null ? null : JSON.stringify(run.usage),
    outputJson: output === null ? null : JSON.stringify(output),
  }
}

/** What a placement that is over still has to tell belongs to history, and changes nothing else. */
export function recordOldRuns(
  ctx: BrainContext,
  node: LiveNode,
  task: Task,
  report: PlacementReport,
): void {
  if (report.epoch > task.epoch) return
  for (const run of report.runs)
    ctx.journal.change({ put: 'run', row: runRow(node, task, report.epoch, run) })
}
