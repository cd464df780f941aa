/** The nodes as placement sees them: what each offers, what is taken of it, and where a shape fits. */
import { Pool, type NodeRoom } from './pool.ts'
import { Resources, type Asks } from './resources.ts'
import { hasLabels, type Shape } from './shape.ts'

export type { NodeRoom } from './pool.ts'

export type NodeOffer = {
  name: string
  slots: number
  memBytes: number
  labels: Readonly<Record<string, string>>
  /** Why it takes no new work; null while it does. */
  closed: string | null
}

export type Used = { slots: number; memBytes: number; tasks: number; reserved: number }
export type Reservation = { task: string; node: string; shape: Shape }

/** Distinct `where`s that are indexed at a time; one more costs a walk over the nodes. */
const poolsMax = 4096
const none: readonly string[] = []

export class Capacity {
  readonly resources = new Resources()
  readonly #nodes = new Map<string, NodeRoom>()
  readonly #pools = new Map<string, { where: Shape['where']; pool: Pool }>()
  readonly #reservations = new Map<string, Reservation>()
  #nextOrder = 0
  #listed = 0

  /** Adds a node or changes what it offers; what is taken of it stays taken. */
  setNode(offer: NodeOffer): void {
    const node = this.#nodes.get(offer.name) ?? this.#unknown(offer.name)
    this.#change(node, () => {
      node.freeSlots += offer.slots - node.slots
      node.freeMem += offer.memBytes - node.memBytes
      node.slots = offer.slots
      node.memBytes = offer.memBytes
      node.closed = offer.closed
      node.offered = true
      node.labels = offer.labels
      node.pools = [...this.#pools.values()].flatMap(({ where, pool }) =>
        hasLabels(offer.labels, where) ? [pool] : [],
      )
    })
  }

  /** What is still taken of it is remembered until it is given back. */
  removeNode(name: string): void {
    const node = this.#nodes.get(name)
    if (node === undefined) return
    this.setNode({ name, slots: 0, memBytes: 0, labels: {}, closed: 'removed' })
    node.offered = false
    this.#forgetIfGone(node)
  }

  take(node: string, shape: Shape, count = 1): void {
    const room = this.#nodes.get(node) ?? this.#unknown(node)
    this.#use(room, shape, count)
    if (shape.resources !== null) this.resources.take(node, shape.resources, count)
    room.tasks += count
  }

  give(node: string, shape: Shape, count = 1): void {
    const room = this.#nodes.get(node)
    if (room === undefined) return
    this.#use(room, shape, -count)
    if (shape.resources !== null) this.resources.take(node, shape.resources, -count)
    room.tasks -= count
    this.#forgetIfGone(room)
  }

  /** A place held for a task that moves there; a second one for the task replaces the first. */
  reserve(task: string, node: string, shape: Shape): void {
    this.release(task)
    const room = this.#nodes.get(node) ?? this.#unknown(node)
    this.#use(room, shape, 1)
    if (shape.resources !== null) this.resources.reserve(node, shape.resources, 1)
    room.reserved += 1
    this.#reservations.set(task, { task, node, shape })
  }

  release(task: string): void {
    const reservation = this.#reservations.get(task)
    if (reservation === undefined) return
    this.#reservations.delete(task)
    const room = this.#nodes.get(reservation.node)
    if (room === undefined) return
    const { shape, node } = reservation
    this.#use(room, shape, -1)
    if (shape.resources !== null) this.resources.reserve(node, shape.resources, -1)
    room.reserved -= 1
    this.#forgetIfGone(room)
  }

  reservation(task: string): Reservation | null {
    return this.#reservations.get(task) ?? null
  }

  reservations(): readonly Reservation[] {
    return [...this.#reservations.values()]
  }

  used(node: string): Used {
    const room = this.#nodes.get(node)
    if (room === undefined) return { slots: 0, memBytes: 0, tasks: 0, reserved: 0 }
    return {
      slots: room.slots - room.freeSlots,
      memBytes: room.memBytes - room.freeMem,
      tasks: room.tasks,
      reserved: room.reserved,
    }
  }

  node(name: string): Readonly<NodeRoom> | null {
    return this.#nodes.get(name) ?? null
  }

  nodes(): Iterable<Readonly<NodeRoom>> {
    return this.#nodes.values()
  }

  /** Whether no open node has a slot free. */
  get isFull(): boolean {
    return this.#listed === 0
  }

  /** Whether any open node has room for one task of the shape now. */
  fits(shape: Shape): boolean {
    if (!this.#pool(shape).fits(shape.slots, shape.memBytes)) return false
    return shape.resources === null || this.freeFor(shape) !== null
  }

  /** Whether this node, open or not, has room for one task of the shape now. */
  hasRoom(node: string, shape: Shape): boolean {
    const room = this.#nodes.get(node)
    if (room === undefined || !hasLabels(room.labels, shape.where)) return false
    if (room.freeSlots < shape.slots || room.freeMem < shape.memBytes) return false
    const { resources } = shape
    if (resources === null) return true
    return this.resources.gridHas(resources) && this.resources.nodeHas(node, resources)
  }

  /** Where one task of the shape goes now: never to a node of `never`, to one of `avoid` only as last resort. */
  freeFor(shape: Shape, avoid = none, never = none): Readonly<NodeRoom> | null {
    const { resources } = shape
    if (resources !== null && !this.resources.gridHas(resources)) return null
    return this.freeForMove(shape, avoid, never)
  }

  /** The same for a task that has a place already, and with it what it takes of the grid as a whole. */
  freeForMove(shape: Shape, avoid = none, never = none): Readonly<NodeRoom> | null {
    const { resources } = shape
    if (resources !== null && !this.#someNodeHas(shape, resources)) return null
    const pool = this.#pool(shape)
    const has =
      resources === null
        ? null
        : ({ name }: NodeRoom): boolean => this.resources.nodeHas(name, resources)
    const find = (skip: readonly string[]): NodeRoom | null =>
      shape.spread ? pool.freest(shape, skip, has) : pool.fullest(shape, skip, has)
    if (avoid.length === 0) return find(never)
    return find([...avoid, ...never]) ?? find(never)
  }

  /** Of what a few nodes have, only these are looked at, and not the whole grid in each tick. */
  #someNodeHas(shape: Shape, asks: Asks): boolean {
    const only = this.resources.onlyOn(asks)
    if (only === null) return true
    for (const name of only.keys()) {
      const room = this.#nodes.get(name)
      if (room?.listed !== true || !hasLabels(room.labels, shape.where)) continue
      if (room.freeSlots < shape.slots || room.freeMem < shape.memBytes) continue
      if (this.resources.nodeHas(name, asks)) return true
    }
    return false
  }

  #use(node: NodeRoom, shape: Shape, count: number): void {
    this.#change(node, () => {
      node.freeSlots -= shape.slots * count
      node.freeMem -= shape.memBytes * count
    })
    if (!shape.spread) return
    const here = (node.continuous.get(shape.owner) ?? 0) + count
    if (here > 0) node.continuous.set(shape.owner, here)
    else node.continuous.delete(shape.owner)
  }

  /** Pools are sorted by what changes: a node leaves them, changes, and enters again. */
  #change(node: NodeRoom, change: () => void): void {
    if (node.listed) {
      this.#listed -= 1
      for (const pool of node.pools) pool.remove(node)
    }
    change()
    node.listed = node.closed === null && node.freeSlots > 0
    if (!node.listed) return
    this.#listed += 1
    for (const pool of node.pools) pool.add(node)
  }

  /** Tasks may be known before their node has spoken: it is closed until it makes an offer. */
  #unknown(name: string): NodeRoom {
    const node: NodeRoom = {
      name,
      order: this.#nextOrder++,
      slots: 0,
      memBytes: 0,
      labels: {},
      closed: 'has not joined yet',
      offered: false,
      freeSlots: 0,
      freeMem: 0,
      tasks: 0,
      reserved: 0,
      continuous: new Map(),
      pools: [],
      listed: false,
    }
    this.#nodes.set(name, node)
    return node
  }

  #forgetIfGone(node: NodeRoom): void {
    if (node.offered || node.tasks > 0 || node.reserved > 0) return
    this.#nodes.delete(node.name)
  }

  #pool(shape: Shape): Pool {
    const known = this.#pools.get(shape.whereKey)
    if (known !== undefined) return known.pool
    if (this.#pools.size >= poolsMax) this.#dropPools()
    const pool = new Pool()
    this.#pools.set(shape.whereKey, { where: shape.where, pool })
    for (const node of this.#nodes.values()) {
      if (!hasLabels(node.labels, shape.where)) continue
      node.pools.push(pool)
      if (node.listed) pool.add(node)
    }
    return pool
  }

  #dropPools(): void {
    this.#pools.clear()
    for (const node of this.#nodes.values()) node.pools = []
  }
}
