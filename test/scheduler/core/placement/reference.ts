/** The order and the choice of placement, written down as slowly and plainly as possible, to compare with. */
import type { Capacity, NodeRoom } from '../../../../scheduler/core/placement/capacity.ts'
import type { Placed } from '../../../../scheduler/core/placement/place.ts'
import type { Asks, Resources } from '../../../../scheduler/core/placement/resources.ts'
import { hasLabels } from '../../../../scheduler/core/placement/shape.ts'
import { byStanding } from '../../../../scheduler/core/placement/share-tree.ts'
import type { Shares } from '../../../../scheduler/core/placement/shares.ts'
import type { WaitingEntry } from '../../../../scheduler/core/placement/waiting.ts'

export type Entries = Map<string, WaitingEntry>

/** One task at a time: the first in order that fits anywhere goes to the best node. */
export function placeSlowly(
  entries: Entries,
  capacity: Capacity,
  shares: Shares,
  limit: number,
): Placed[] {
  const placed: Placed[] = []
  for (let left = limit; left > 0; left--) {
    const inOrder = [...entries].filter(([, entry]) => entry.count > 0).sort(byTurn(shares))
    const next = inOrder
      .map(([id, entry]) => ({ id, entry, node: bestNode(entry, capacity) }))
      .find(({ node }) => node !== null)
    if (next === undefined || next.node === null) break
    const { id, entry, node } = next
    capacity.take(node.name, entry.shape)
    shares.take(entry.shape)
    entries.set(id, { ...entry, count: entry.count - 1 })
    placed.push({ id, job: entry.job, node: node.name, shape: entry.shape, count: 1 })
  }
  return placed
}

const byTurn =
  (shares: Shares) =>
  ([idA, a]: [string, WaitingEntry], [idB, b]: [string, WaitingEntry]): number =>
    b.queuePriority - a.queuePriority ||
    byStanding(standing(a, shares), standing(b, shares)) ||
    b.priority - a.priority ||
    a.since - b.since ||
    a.job - b.job ||
    idA.length - idB.length ||
    (idA < idB ? -1 : 1)

const standing = ({ shape }: WaitingEntry, shares: Shares) =>
  shares.standing(shape.owner, shares.ofGroups())

/** Enough in the grid, where it says how much, and on the node, where that does; where neither does there is none. */
const hasResources = (asks: Asks, resources: Resources, node: string): boolean =>
  asks.every(([name, amount]) => {
    const { total, nodes } = resources.totals(name) ?? {
      total: 0,
      nodes: new Map<string, number>(),
    }
    const own = nodes.get(node) ?? (total === null ? 0 : Infinity)
    const inGrid = (total ?? Infinity) - resources.takenInGrid(name)
    return amount <= inGrid && amount <= own - resources.takenOn(name, node)
  })

function bestNode(entry: WaitingEntry, capacity: Capacity): Readonly<NodeRoom> | null {
  const { shape } = entry
  const fitting = [...capacity.nodes()].filter(
    (node) =>
      node.closed === null &&
      node.freeSlots >= shape.slots &&
      node.freeMem >= shape.memBytes &&
      hasLabels(node.labels, shape.where) &&
      hasResources(shape.resources ?? [], capacity.resources, node.name) &&
      !entry.never.includes(node.name),
  )
  const liked = fitting.filter((node) => !entry.avoid.includes(node.name))
  const candidates = liked.length > 0 ? liked : fitting
  const ownHere = (node: Readonly<NodeRoom>): number => node.continuous.get(shape.owner) ?? 0
  const sorted = shape.spread
    ? candidates.sort(
        (a, b) =>
          ownHere(a) - ownHere(b) ||
          b.freeSlots - a.freeSlots ||
          b.freeMem - a.freeMem ||
          b.order - a.order,
      )
    : candidates.sort(
        (a, b) => a.freeSlots - b.freeSlots || a.freeMem - b.freeMem || a.order - b.order,
      )
  return sorted[0] ?? null
}
