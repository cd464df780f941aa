/**
 * A node knows of orders or work that we do not: this database is older than the grid (a restored backup).
 * Job numbers and epochs jump ahead, so that nothing new is mistaken for what was given out and lost.
 */
import { parseTaskKey } from '../../proto/ids.ts'
import { isNewer, type Report } from '../../proto/sync.ts'
import { findTask } from '../state/live-job.ts'
import { note, type BrainContext } from './context.ts'

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

export function jumpAhead(ctx: BrainContext, seen: number): void {
  const { state, journal, orders } = ctx
  state.incarnation = seen + 1
  state.lostNumbers.push([state.nextJob, state.nextJob + numbersAhead])
  state.nextJob += numbersAhead
  for (const job of state.jobs.values()) {
    job.epochBase += numbersAhead
    journal.job(job)
  }
  // Those that have not spoken yet may hold work and leases that this database knows nothing of.
  for (const node of state.nodes.values()) {
    if (node.heardAt !== null) continue
    node.spokeTo = null
    journal.node(node)
  }
  orders.beginAnew()
  journal.change({ put: 'meta', key: 'lostNumbers', value: JSON.stringify(state.lostNumbers) })
  journal.change({ put: 'meta', key: 'incarnation', value: String(state.incarnation) })
  journal.change({ put: 'meta', key: 'nextJob', value: String(state.nextJob) })
  note(
    ctx,
    'restored',
    'a node knows of orders or work that this database does not: it is a restored one; numbers jump ahead',
    {},
  )
}
