/** Takes in an exec-node's report: who it is, what runs there, and what it should do with what we do not know. */
import type { Cause } from '../../proto/cause.ts'
import { parseTaskKey } from '../../proto/ids.ts'
import type { NodeFacts } from '../../proto/node.ts'
import {
  protocolVersion,
  type PlacementReport,
  type Report,
  type ReportReply,
  type RunUsage,
} from '../../proto/sync.ts'
import { afterGrant, afterReport, termsFor } from '../core/lease.ts'
import { done, type Result } from '../core/result.ts'
import { placementOf } from '../core/task-state.ts'
import { findTask, type LiveJob } from '../state/live-job.ts'
import { newNode, type LiveNode } from '../state/live-node.ts'
import { note, type BrainContext } from './context.ts'
import { mayBePlacedAnew } from './held-back.ts'
import { takeHealth } from './node-health.ts'
import { offerNode } from './node-offer.ts'
import { answerOddities, isOddity } from './oddities.ts'
import { jumpAhead, knowsMore } from './restored.ts'
import { recordOldRuns, recordRuns } from './runs.ts'
import { forgetStopped } from './stop-unknown.ts'
import { tryHappen } from './tasks.ts'
import { forgetUnknown, forgetUnsaid, noteUnknown, placementKey } from './unknown-runs.ts'
import { isSameMachine, refuseReport, whoReports } from './who-reports.ts'

type Answer = ReportReply['answers'][number]

export function takeReport(ctx: BrainContext, report: Report): Result<ReportReply> {
  const refusal = refuseReport(ctx, report)
  if (refusal) return refusal
  if (knowsMore(ctx, report))
    jumpAhead(ctx, Math.max(report.revision?.incarnation ?? 0, ctx.state.incarnation))
  const node = ctx.state.nodes.get(report.node) ?? joinNode(ctx, report)
  const who = whoReports(ctx, node, report)
  if (!who.ok) return who
  const { rebooted } = who.value
  const terms = grant(ctx, node, report, rebooted)
  const isNews = hear(ctx, node, report)
  // Anything that came after a gap may stand on lost reports: only a full one says what is there.
  if (report.full) node.wantFull = false
  if (isNews) offerNode(ctx, node)
  // What another boot has counted stands for itself: a clone that was taken for this machine may have counted further.
  const answers = report.placements.map((one) => takePlacement(ctx, node, one, rebooted))
  if (report.full) {
    missing(ctx, node, report, rebooted)
    // Its orders waited for that.
    if (!node.synced) ctx.journal.nudge()
    node.synced = true
  }
  node.oddities = report.oddities
  forgetStopped(ctx, node)
  takeUsages(node, report.usages ?? [])
  takeHealth(ctx, node, report.health)
  return done({
    grid: ctx.state.grid,
    protocol: protocolVersion,
    incarnation: ctx.state.incarnation,
    terms,
    reportEveryMs: ctx.settings.lease.reportEveryMs,
    wantFull: node.wantFull,
    answers: [...answers, ...answerOddities(ctx, node, report)],
  })
}

function joinNode(ctx: BrainContext, { node: name, revision }: Report): LiveNode {
  const node = newNode(name)
  if (revision?.incarnation === ctx.state.incarnation) node.counter = revision.counter
  ctx.state.nodes.set(name, node)
  note(ctx, 'node-joined', `${name} joined`, { node: name })
  return node
}

/** True when something changed that placement or the store must know. */
function hear(ctx: BrainContext, node: LiveNode, report: Report): boolean {
  const isNewSession = node.session !== report.session
  const wasUp = node.state === 'up'
  const isMoved = node.spokeTo !== ctx.settings.place
  const changed = isNewSession || isMoved || !wasUp || !sameFacts(node.facts, report.facts)
  if (isNewSession) {
    const isSame = node.facts === null || isSameMachine(node.facts, report.facts)
    ctx.orders.changes(node.name, isSame, report.session)
  }
  node.heardAt = ctx.clock.uptime()
  node.lastReportAt = ctx.clock.now()
  node.session = report.session
  node.sequence = report.sequence
  node.saidUptimeMs = report.uptimeMs
  node.shownSilent = false
  ctx.state.foreign.delete(node.name)
  node.facts = report.facts
  node.spokeTo = ctx.settings.place
  node.ordersFrom = report.revision?.incarnation ?? null
  node.state = 'up'
  if ((!wasUp || isNewSession) && !report.full) node.wantFull = true
  if (changed) ctx.journal.node(node)
  if (!wasUp) note(ctx, 'node-up', `${node.name} reports`, { node: node.name })
  return changed
}

function sameFacts(a: NodeFacts | null, b: NodeFacts): boolean {
  return a !== null && JSON.stringify(a) === JSON.stringify(b)
}

/** The longest that may be in force from now on is persisted before the answer leaves. */
function grant(
  ctx: BrainContext,
  node: LiveNode,
  report: Report,
  rebooted: boolean,
): ReportReply['terms'] {
  const terms = termsFor(ctx.state.nodes.size, ctx.settings.lease)
  const assumed = afterReport(node.outstanding, {
    terms: report.terms,
    isFirstOfSession: node.session !== report.session,
    holdsNone: report.terms === null && (rebooted || report.grid === null),
  })
  const outstanding = afterGrant(assumed, terms)
  if (JSON.stringify(outstanding) !== JSON.stringify(node.outstanding)) {
    node.outstanding = outstanding
    ctx.journal.node(node)
  }
  node.held = report.terms
  return terms
}

function takePlacement(
  ctx: BrainContext,
  node: LiveNode,
  report: PlacementReport,
  rebooted: boolean,
): Answer {
  const { task: key, epoch, version } = report
  const over = report.phase.kind === 'ended'
  const answer = (then: Answer['then']): Answer => ({ task: key, epoch, version, then })
  const { job: id, index } = parseTaskKey(key)
  const job = ctx.state.jobs.get(id)
  if (job && (!over || isOwnEnd(report.phase))) adopt(ctx, node, job, index, report)
  const task = job?.tasks?.get(index)
  const placement = task && placementOf(task.state)
  if (job && task && placement && placement.epoch === epoch && placement.node === node.name) {
    forgetUnknown(ctx, node, key, epoch)
    // Nothing that the node could lose again is taken for known.
    if (report.unsaved === true) return { ...answer('keep'), version: 0 }
    // Told again until it may count.
    if (over && mayBePlacedAnew(ctx, job, task)) return { ...answer('keep'), version: 0 }
    const isNews = report.version > placement.version || !placement.known || rebooted
    // With its end the placement would be forgotten, and what is left out of this never told.
    if (report.part === true && over) {
      const told = { happened: 'reported', phase: { kind: 'accepted' }, version } as const
      if (isNews) tryHappen(ctx, job, index, { ...told, lastRun: task.lastRun })
      return { ...answer('keep'), version: 0 }
    }
    if (isNews) {
      const lastRun = recordRuns(ctx, node, job, task, report)
      tryHappen(ctx, job, index, { happened: 'reported', phase: report.phase, version, lastRun })
    } else if (task.state.is === 'unreachable') {
      tryHappen(ctx, job, index, {
        happened: 'reported',
        phase: report.phase,
        version,
        lastRun: task.lastRun,
      })
    }
    return answer(over ? 'forget' : 'keep')
  }
  if (job && task) recordOldRuns(ctx, node, task, report)
  if (!over) return answer(noteUnknown(ctx, node, report))
  forgetUnknown(ctx, node, key, epoch)
  return answer('forget')
}

function takeUsages(node: LiveNode, usages: readonly RunUsage[]): void {
  for (const one of usages) node.usages.set(one.task, one)
  for (const key of node.usages.keys()) if (!node.tasks.has(key)) node.usages.delete(key)
}

/** Placements that should be there and are not in a full report. */
function missing(ctx: BrainContext, node: LiveNode, report: Report, rebooted: boolean): void {
  const said = new Set(report.placements.map(placementKey))
  for (const key of [...node.tasks]) {
    const found = ctx.state.findTaskByKey(key)
    const task = found?.job.tasks?.get(found.index)
    const placement = task && placementOf(task.state)
    if (!found || !placement || said.has(placementKey({ task: key, epoch: placement.epoch })))
      continue
    if (rebooted && placement.known) {
      const why = `${node.name} was started again`
      const cause = { kind: 'node-lost', node: node.name, why } as const
      tryHappen(ctx, found.job, found.index, { happened: 'gone', cause, delayMs: 0 })
    } else if (isOddity(report, key, placement.epoch)) {
      // It has lost the record but not the run: told of the placement anew, it takes it up again.
      ctx.orders.touch(node.name, key)
      ctx.journal.nudge()
    } else if (
      placement.epoch <= found.job.epochBase &&
      (!placement.known || task.lastRun < placement.firstRun)
    ) {
      // Placed by the database that was lost: whatever became of it is over there, and its order would be ignored.
      const detail = `${node.name} has nothing of it after the restore of an older database`
      const cause = { kind: 'outcome-unknown', detail } as const
      tryHappen(ctx, found.job, found.index, { happened: 'gone', cause, delayMs: 0 })
    } else if (placement.known || task.state.is === 'unreachable') {
      tryHappen(ctx, found.job, found.index, { happened: 'forgotten' })
      ctx.orders.touch(node.name, key)
    }
  }
  forgetUnsaid(ctx, node, report.placements)
}

/** The task came to it by itself: one that was told to end may have been placed anew by the database that was lost. */
const isOwnEnd = (phase: PlacementReport['phase']): boolean =>
  phase.kind === 'ended' && ownEnds.has(phase.cause.kind)

const ownEnds: ReadonlySet<Cause['kind']> = new Set([
  'exit',
  'signal',
  'out-of-memory',
  'time-limit',
])

/** Placed after the backup that this database was restored from: the node knows better. */
function adopt(
  ctx: BrainContext,
  node: LiveNode,
  job: LiveJob,
  index: number,
  { epoch, runs }: PlacementReport,
): void {
  const task = findTask(job, index)
  if (task === null || epoch <= task.epoch) return
  const left = placementOf(task.state)?.node
  const firstRun = runs[0]?.number ?? task.lastRun + 1
  tryHappen(ctx, job, index, { happened: 'adopted', node: node.name, epoch, firstRun })
  // It was told to keep the older placement, and tells only news by itself.
  const before = left === undefined ? undefined : ctx.state.nodes.get(left)
  if (before !== undefined) before.wantFull = true
  if (job.wanted.what === 'suspend')
    tryHappen(ctx, job, index, { happened: 'suspend-wanted', suspend: true })
}
