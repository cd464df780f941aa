/** Placements that a node has and this database does not know: shown, and what they take of the node is taken. */
import { parseTaskKey } from '../../proto/ids.ts'
import type { PlacementReport, ReportReply } from '../../proto/sync.ts'
import type { LiveNode } from '../state/live-node.ts'
import type { BrainContext } from './context.ts'

type Answer = ReportReply['answers'][number]['then']

/** What of its job is left on a node when nobody knows the placement; of a lost database the newest is kept. */
export function noteUnknown(ctx: BrainContext, node: LiveNode, report: PlacementReport): Answer {
  const { task, epoch, slots = 0, memBytes = 0 } = report
  const { job } = parseTaskKey(task)
  // Never placed by this database: its memory is older than the node's.
  const isFuture = job >= ctx.state.nextJob || ctx.state.wasLost(job)
  const plain = { owner: '', queue: '', where: {}, spread: false }
  const shape = ctx.state.shapeOf({ ...plain, slots, memBytes })
  forgetUnknown(ctx, node, task)
  ctx.state.capacity.take(node.name, shape)
  const newer = isFuture ? newerElsewhere(ctx, node, report) : null
  node.unknown.set(task, { epoch, detail: detailOf(isFuture, newer), shape })
  return isFuture && newer === null ? 'keep' : 'stop'
}

type Newer = { on: string; epoch: number }

/** The lost database may have placed the task anew: what has the older one is asked again, to be told to stop. */
function newerElsewhere(ctx: BrainContext, node: LiveNode, report: PlacementReport): Newer | null {
  let newer: Newer | null = null
  for (const other of ctx.state.nodes.values()) {
    const known = other === node ? undefined : other.unknown.get(report.task)
    if (known === undefined) continue
    if (known.epoch < report.epoch) other.wantFull = true
    // One that nobody hears may be gone, and this the only one that lives.
    if (known.epoch > report.epoch && other.state === 'up')
      newer = { on: other.name, epoch: known.epoch }
  }
  return newer
}

function detailOf(isFuture: boolean, newer: Newer | null): string {
  if (!isFuture) return 'a placement that is over; told to stop'
  if (newer !== null) return `epoch ${newer.epoch} of it is on ${newer.on}; told to stop`
  return 'placed by a scheduler that this database does not know; kept'
}

export function forgetUnknown(ctx: BrainContext, node: LiveNode, task: string): void {
  const known = node.unknown.get(task)
  if (known === undefined) return
  node.unknown.delete(task)
  ctx.state.capacity.give(node.name, known.shape)
  ctx.wake()
}
