/**
 * A node knows of orders or work that we do not: this database is older than the grid (a restored backup).
 * Job numbers and epochs jump ahead, so that nothing new is mistaken for what was given out and lost.
 */
import { iso, parseTaskKey } from '../../proto/ids.ts'
import { isNewer, type Report } from '../../proto/sync.ts'
import { findTask } from '../state/live-job.ts'
import type { BackupMark } from '../store/change.ts'
import { note, type BrainContext } from './context.ts'
import { holdBack } from './held-back.ts'

/** The node has seen an order that was not sent from here, or has work under numbers not given out here. */
export function knowsMore(ctx: BrainContext, report: Report): boolean {
  const { state } = ctx
  // A node that was removed and joins again has orders of ours under a counter that was forgotten.
  const counter = state.nodes.get(report.node)?.counter ?? Infinity
  const newest = { incarnation: state.incarnation, counter }
  if (report.revision !== null && isNewer(report.revision, newest)) return true
  return report.placements.some(({ task: key, epoch }) => {
    const { job: id, index } = parseTaskKey(key)
    const job = state.jobs.get(id)
    if (job === undefined) return id >= state.nextJob
    const task = findTask(job, index)
    return task !== null && epoch > Math.max(task.epoch, job.epochBase)
  })
}

/** More than a grid gives out between two backups. */
const numbersAhead = 1_000_000
/** More than a grid gives out for long: covers also those that were restored from the same backup before. */
const numbersPerSecond = 100

/** More than one task has between two restores. */
const placementsBetween = 1_000

type Ahead = { incarnation: number; nextJob: number; epochs: number; why: string }

export function jumpAhead(ctx: BrainContext, seen: number): void {
  goAhead(ctx, {
    incarnation: seen + 1,
    nextJob: ctx.state.nextJob + numbersAhead,
    epochs: numbersAhead,
    why: 'a node knows of orders or work that this database does not: it is a restored one; numbers jump ahead',
  })
}

/**
 * A copy that `eg backup` made says so, before any node speaks: a start on it is ahead of every database that
 * was the same once, however often that one was started, and of every earlier start on the same copy.
 */
export function jumpIfRestored(ctx: BrainContext, meta: Readonly<Record<string, string>>): void {
  if ((meta['backup'] ?? '') === '') return
  const { madeAt, seen } = JSON.parse(meta['backup'] ?? '') as BackupMark
  const { state, journal, clock } = ctx
  const now = clock.now()
  const ageSeconds = Math.max(0, Math.ceil((now - madeAt) / 1000))
  const byAge = numbersAhead + ageSeconds * numbersPerSecond
  // By a clock that was set back there is no age; what was restored from the same backup before has jumped as well.
  const numbers = Math.max(byAge, (seen?.nextJob ?? 0) - state.nextJob + placementsBetween)
  goAhead(ctx, {
    // They rise by one with each start, and no scheduler starts once a second for long: seconds are ahead of all.
    incarnation: Math.max(state.incarnation, (seen?.incarnation ?? 0) + 1, Math.floor(now / 1000)),
    nextJob: state.nextJob + numbers,
    epochs: numbers,
    why: `this database is a backup of ${iso(madeAt)}: numbers jump ahead`,
  })
  journal.change({ put: 'meta', key: 'backup', value: '' })
}

function goAhead(ctx: BrainContext, { incarnation, nextJob, epochs, why }: Ahead): void {
  const { state, journal, orders } = ctx
  state.incarnation = incarnation
  state.lostNumbers.push([state.nextJob, nextJob])
  state.nextJob = nextJob
  for (const job of state.jobs.values()) {
    job.epochBase += epochs
    journal.job(job)
  }
  // Those that have not spoken yet may hold work and leases that this database knows nothing of.
  for (const node of state.nodes.values()) {
    if (node.heardAt !== null) continue
    node.spokeTo = null
    journal.node(node)
  }
  holdBack(ctx)
  orders.beginAnew()
  journal.change({ put: 'meta', key: 'lostNumbers', value: JSON.stringify(state.lostNumbers) })
  journal.change({ put: 'meta', key: 'incarnation', value: String(state.incarnation) })
  journal.change({ put: 'meta', key: 'nextJob', value: String(state.nextJob) })
  note(ctx, 'restored', why, {})
}
