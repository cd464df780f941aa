/**
 * One placement tick. Order: queue priority, fair share, job priority, age. What is given out is taken from
 * `waiting` and `capacity` and added to `shares`; the caller makes the tasks of it, and gives capacity and
 * share back when a task has left its node.
 */
import type { Capacity, NodeRoom } from './capacity.ts'
import { Heap } from './heap.ts'
import type { Lane } from './lane.ts'
import type { Shape } from './shape.ts'
import { byStanding } from './share-tree.ts'
import type { Held, Shares } from './shares.ts'
import type { Waiting } from './waiting.ts'

/** `count` tasks of the entry `id` go to `node`. */
export type Placed = { id: string; job: number; node: string; shape: Shape; count: number }

/** What an owner, and a queue, may hold at most; `Infinity` where there is no limit. */
export type Bounds = {
  owner: (owner: string) => Held
  /** In slots. */
  queue: (queue: string) => number
}
const unbounded: Held = { slots: Infinity, memBytes: Infinity }
const noBounds: Bounds = { owner: () => unbounded, queue: () => Infinity }

/** What is ordered by its share: a sum of slots, divided by a weight. */
type Sharing = { sum: number; readonly weight: number }
/** An owner in one level: its share and what it may still take as placing goes on, and its lanes, put in order when first needed. */
type Turn = Sharing & {
  left: { slots: number; memBytes: number }
  readonly byKey: Map<string, Lane>
  lanes: Heap<Lane> | null
}
/** A group in one level: its members that wait. */
type GroupTurn = Sharing & { readonly members: Heap<Turn> }

export function place(
  waiting: Waiting,
  capacity: Capacity,
  shares: Shares,
  limit: number,
  bounds: Bounds = noBounds,
): Placed[] {
  /** Requests that may still fit somewhere: only these are looked at. */
  const open = new Set<string>()
  for (const shape of waiting.requests()) if (capacity.fits(shape)) open.add(shape.request)
  const tick = new Tick({ waiting, capacity, shares, bounds }, limit, open)
  if (open.size > 0) for (const level of waiting.levels()) tick.placeLevel(level.owners)
  return tick.placed
}

/**
 * One single task for a node that is closed to the rest: the first in order that fits there. What is given
 * out is taken as by `place`.
 */
export function placeCanary(
  waiting: Waiting,
  capacity: Capacity,
  shares: Shares,
  node: string,
  bounds: Bounds = noBounds,
): Placed | null {
  for (const level of waiting.levels()) {
    const lanes = [...level.owners.values()].flatMap((byKey) => [...byKey.values()])
    const [lane] = lanes
      .filter((one) => !one.never.includes(node) && capacity.hasRoom(node, one.shape))
      .filter((one) => !waiting.head(one).avoid.includes(node))
      .filter(({ shape }) => fitting(shape, leftOf(shape.owner, shares, bounds)) >= 1)
      .filter(({ shape }) => queueRoom(shape, shares, bounds) >= 1)
      .sort(byTurn(shares))
    if (lane === undefined) continue
    const { id, job } = waiting.head(lane)
    const { shape } = lane
    capacity.take(node, shape)
    shares.take(shape)
    waiting.takeHead(lane, 1)
    return { id, job, node, shape, count: 1 }
  }
  return null
}

type Parts = { waiting: Waiting; capacity: Capacity; shares: Shares; bounds: Bounds }

class Tick {
  readonly placed: Placed[] = []
  readonly #waiting: Waiting
  readonly #capacity: Capacity
  readonly #shares: Shares
  readonly #bounds: Bounds
  readonly #open: Set<string>
  #left: number

  constructor({ waiting, capacity, shares, bounds }: Parts, limit: number, open: Set<string>) {
    this.#waiting = waiting
    this.#capacity = capacity
    this.#shares = shares
    this.#bounds = bounds
    this.#left = limit
    this.#open = open
  }

  placeLevel(owners: Map<string, Map<string, Lane>>): void {
    const turns = new Heap(this.#turns(owners), goesBefore)
    for (let top = turns.top; top !== undefined; top = turns.top) {
      if (this.#left <= 0 || this.#open.size === 0 || this.#capacity.isFull) return
      const members = 'members' in top ? top.members : null
      const turn = 'members' in top ? top.members.top : top
      if (turn !== undefined) {
        const fair = untilTurnOf(turns.second, top)
        this.#take(turn, top, Math.min(fair, untilTurnOf(members?.second, turn)))
        if (members !== null) putBack(members, turn.lanes?.top === undefined)
      }
      putBack(turns, (members === null ? turn?.lanes?.top : members.top) === undefined)
    }
  }

  /** One look at an owner whose turn it is; `top` is the owner itself, or its group. */
  #take(turn: Turn, top: Turn | GroupTurn, fair: number): void {
    if (turn.lanes === null) {
      turn.lanes = this.#inOrder(turn.byKey)
      return
    }
    const slots = this.#placeSome(turn, turn.lanes, fair)
    turn.sum += slots
    if (top !== turn) top.sum += slots
  }

  #turns(owners: Map<string, Map<string, Lane>>): (Turn | GroupTurn)[] {
    const { tree } = this.#shares
    if (!tree.hasGroups) return [...owners].map(([owner, byKey]) => this.#turn(owner, byKey))
    const single: (Turn | GroupTurn)[] = []
    const grouped = new Map<string, Turn[]>()
    for (const [owner, byKey] of owners) {
      const group = tree.groupOf(owner)
      const members = group === null ? single : grouped.get(group)
      if (members !== undefined) members.push(this.#turn(owner, byKey))
      else if (group !== null) grouped.set(group, [this.#turn(owner, byKey)])
    }
    const sums = this.#shares.ofGroups()
    for (const [group, members] of grouped) {
      const sharing = { sum: sums.get(group) ?? 0, weight: tree.ofGroup(group) }
      single.push({ ...sharing, members: new Heap(members, goesBefore) })
    }
    return single
  }

  #turn(owner: string, byKey: Map<string, Lane>): Turn {
    return {
      sum: this.#shares.of(owner),
      weight: this.#shares.tree.ofOwner(owner),
      left: leftOf(owner, this.#shares, this.#bounds),
      byKey,
      lanes: null,
    }
  }

  #inOrder(byKey: Map<string, Lane>): Heap<Lane> {
    const lanes: Lane[] = []
    for (const lane of byKey.values()) if (this.#open.has(lane.shape.request)) lanes.push(lane)
    return new Heap(lanes, laneBefore)
  }

  /** Places what the owner may have before the next one's turn, `fair` slots; the slots that it got. */
  #placeSome(turn: Turn, lanes: Heap<Lane>, fair: number): number {
    const lane = lanes.top
    if (lane === undefined) return 0
    const { shape } = lane
    const allowed = Math.min(
      fitting(shape, turn.left),
      queueRoom(shape, this.#shares, this.#bounds),
    )
    if (allowed < 1) {
      lanes.pop()
      return 0
    }
    const head = this.#waiting.head(lane)
    const node = this.#open.has(shape.request)
      ? this.#capacity.freeFor(shape, head.avoid, lane.never)
      : null
    if (node === null) {
      if (lane.never.length === 0) this.#open.delete(shape.request)
      lanes.pop()
      return 0
    }
    const room = shape.spread ? 1 : roomOn(node, shape, this.#capacity)
    const inTurn = Math.max(1, Math.ceil(fair / shape.slots))
    const count = Math.min(room, allowed, inTurn, head.count, this.#left)
    this.#capacity.take(node.name, shape, count)
    this.#shares.take(shape, count)
    turn.left.slots -= shape.slots * count
    turn.left.memBytes -= shape.memBytes * count
    this.#left -= count
    this.placed.push({ id: head.id, job: head.job, node: node.name, shape, count })
    putBack(lanes, !this.#waiting.takeHead(lane, count))
    return shape.slots * count
  }
}

/** Its top has become later in the order, or has nothing left. */
function putBack(heap: { pop(): void; sinkTop(): void }, isOver: boolean): void {
  if (isOver) heap.pop()
  else heap.sinkTop()
}

const shareOf = ({ sum, weight }: Sharing): number => sum / weight

/** Slots that it may take before the next one's turn comes. */
const untilTurnOf = (next: Sharing | undefined, one: Sharing): number =>
  next === undefined ? Infinity : (shareOf(next) - shareOf(one)) * one.weight

/** How many tasks of a shape that is room for. */
const fitting = (shape: Shape, { slots, memBytes }: Held): number =>
  Math.floor(Math.min(slots / shape.slots, memBytes / shape.memBytes))

function roomOn(node: Readonly<NodeRoom>, shape: Shape, { resources }: Capacity): number {
  const room = fitting(shape, { slots: node.freeSlots, memBytes: node.freeMem })
  return shape.resources === null
    ? room
    : Math.min(room, resources.room(node.name, shape.resources))
}

/** How many tasks of a shape its queue may still hold. */
const queueRoom = ({ queue, slots }: Shape, shares: Shares, bounds: Bounds): number =>
  Math.floor((bounds.queue(queue) - shares.queueSlots(queue)) / slots)

function leftOf(owner: string, shares: Shares, bounds: Bounds): Turn['left'] {
  const bound = bounds.owner(owner)
  const held = shares.held(owner)
  return { slots: bound.slots - held.slots, memBytes: bound.memBytes - held.memBytes }
}

const laneBefore = (a: Lane, b: Lane): boolean => a.before(b)

function byTurn(shares: Shares): (a: Lane, b: Lane) => number {
  const groups = shares.ofGroups()
  const standing = ({ shape }: Lane) => shares.standing(shape.owner, groups)
  return (a, b) => byStanding(standing(a), standing(b)) || (a.before(b) ? -1 : 1)
}

const topLane = (turn: Turn | GroupTurn): Lane | undefined =>
  ('members' in turn ? turn.members.top : turn)?.lanes?.top

/** Of equal shares, an owner whose lanes are not in order yet comes up first, to have that done. */
function goesBefore(a: Turn | GroupTurn, b: Turn | GroupTurn): boolean {
  const [shareA, shareB] = [shareOf(a), shareOf(b)]
  if (shareA !== shareB) return shareA < shareB
  const laneA = topLane(a)
  const laneB = topLane(b)
  if (laneA === undefined || laneB === undefined) return laneB !== undefined
  return laneA.before(laneB)
}
