/**
 * A node has seen orders of a later incarnation than ours: this database is older than the grid (a restored
 * backup). Job numbers and epochs jump ahead, so that nothing new is mistaken for what was given out and lost.
 */
import { note, type BrainContext } from './context.ts'

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
    `a node has seen orders of incarnation ${seen}: this database is a restored one; numbers jump ahead`,
    {},
  )
}
