/** A placement becomes tasks on their node; capacity and share are booked by placing already. */
import type { Placed } from '../core/placement/place.ts'
import type { BrainContext } from './context.ts'
import { happen } from './tasks.ts'

/** The key of the last task placed. */
export function carryOut(ctx: BrainContext, placed: Placed): string {
  const job = ctx.state.jobs.get(placed.job)
  const dot = placed.id.indexOf('.')
  let key = placed.id
  for (let nth = 0; nth < placed.count; nth += 1) {
    const index =
      dot >= 0 ? Number(placed.id.slice(dot + 1)) : (job?.untouched.stretches[0]?.[0] ?? null)
    if (!job || index === null) throw new Error(`placed ${placed.id}, which does not wait`)
    happen(ctx, job, index, { happened: 'placed', node: placed.node }, true)
    key = `${job.id}.${index}`
  }
  return key
}
