/** Placements that a node has and this database does not know: shown, and what they take of the node is taken. */
import { parseTaskKey } from '../../proto/ids.ts'
import type { PlacementReport } from '../../proto/sync.ts'
import { asksOf } from '../core/placement/resources.ts'
import type { GridState } from '../state/grid.ts'
import {
  unwantedOn,
  type LiveNode,
  type StoredUnknown,
  type UnknownPlacement,
  type Unwanted,
} from '../state/live-node.ts'
import type { BrainContext } from './context.ts'

/** A task may have several on one node: an older one that has ended unheard, and the newer. */
export const placementKey = ({ task, epoch }: { task: string; epoch: number }): string =>
  `${task}@${epoch}`

type Verdict = Pick<UnknownPlacement, 'then' | 'detail'>

/** What of its job is left on a node when nobody knows the placement; of a lost database the newest is kept. */
export function noteUnknown(
  ctx: BrainContext,
  node: LiveNode,
  report: PlacementReport,
): Verdict['then'] {
  const { task, epoch, slots = 0, memBytes = 0 } = report
  const resources = asksOf(report.resources)
  const shape = ctx.state.shapeOf({ ...ofNobody, slots, memBytes, resources })
  forgetUnknown(ctx, node, task, epoch)
  ctx.state.capacity.take(node.name, shape)
  const verdict = judge(ctx, node, report)
  addUnknown(node, task, { epoch, ...verdict, shape })
  if (resources !== null) ctx.journal.node(node)
  return verdict.then
}

function addUnknown(node: LiveNode, task: string, one: UnknownPlacement): void {
  node.unknown.set(task, [...(node.unknown.get(task) ?? []), one])
}

/** At a start: what unknown runs hold, they hold until their node says otherwise. */
export function addHolders(state: GridState, node: LiveNode, holders: StoredUnknown[]): void {
  for (const { task, epoch, then, detail, ...asked } of holders) {
    const shape = state.shapeOf({ ...ofNobody, ...asked })
    state.capacity.take(node.name, shape)
    addUnknown(node, task, { epoch, then, detail, shape })
  }
}

const ofNobody = { owner: '', queue: '', where: {}, spread: false }

function judge(ctx: BrainContext, node: LiveNode, report: PlacementReport): Verdict {
  // What this database has placed itself is over: else it would know it.
  if (!ctx.state.isUnknown(parseTaskKey(report.task).job))
    return { then: 'stop', detail: 'a placement that is over; told to stop' }
  const stop = unwantedOn(node, report.task, report.epoch)
  if (stop !== undefined) return { then: 'stop', detail: toldBy(stop) }
  const newer = newerPlacement(ctx, report)
  return newer === null
    ? {
        then: 'keep',
        detail:
          'placed by a scheduler that this database does not know; kept until an operator stops it',
      }
    : { then: 'stop', detail: `epoch ${newer.epoch} of it is on ${newer.on}; told to stop` }
}

export const toldBy = ({ by, why }: Unwanted): string =>
  `told to stop by ${by}${why === '' ? '' : `: ${why}`}`

/** The lost database may have placed the task anew: what has the older one is asked again, to be told to stop. */
function newerPlacement(
  ctx: BrainContext,
  { task, epoch }: PlacementReport,
): { on: string; epoch: number } | null {
  let newer = null
  for (const node of ctx.state.nodes.values()) {
    for (const known of node.unknown.get(task) ?? []) {
      if (known.epoch < epoch && known.then === 'keep') node.wantFull = true
      // One that nobody hears may be gone, and this the only one that lives.
      if (known.epoch > epoch && node.state === 'up') newer = { on: node.name, epoch: known.epoch }
    }
  }
  return newer
}

export function forgetUnknown(
  ctx: BrainContext,
  node: LiveNode,
  task: string,
  epoch: number,
): void {
  const known = node.unknown.get(task)?.find((one) => one.epoch === epoch)
  if (known === undefined) return
  const others = node.unknown.get(task)?.filter((one) => one !== known) ?? []
  if (others.length > 0) node.unknown.set(task, others)
  else node.unknown.delete(task)
  ctx.state.capacity.give(node.name, known.shape)
  if (known.shape.resources !== null) ctx.journal.node(node)
  ctx.wake()
}

/** All but these, which are all that is there. */
export function forgetUnsaid(
  ctx: BrainContext,
  node: LiveNode,
  said: readonly Pick<PlacementReport, 'task' | 'epoch'>[],
): void {
  if (node.unknown.size === 0) return
  const there = new Set(said.map(placementKey))
  for (const [task, placements] of [...node.unknown])
    for (const { epoch } of placements)
      if (!there.has(placementKey({ task, epoch }))) forgetUnknown(ctx, node, task, epoch)
}
