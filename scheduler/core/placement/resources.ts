/**
 * Named resources: how much there is of each, in the grid and on single nodes, and how much of it placed tasks take. What
 * is taken is booked by the same calls as slots and memory, so that it is held for exactly as long as they are.
 */

/** What one task asks for: sorted by name, each once, amounts from 1 on. */
export type Asks = readonly (readonly [name: string, amount: number])[]

/** `total` null: nothing is said of the grid as a whole. */
export type ResourceTotals = { total: number | null; nodes: ReadonlyMap<string, number> }

/** Null where nothing is asked for, as of nearly all jobs: placement then does not look any further. */
export function asksOf(said: Readonly<Record<string, number>> | undefined): Asks | null {
  if (said === undefined) return null
  const asks = Object.entries(said).sort(([a], [b]) => (a < b ? -1 : 1))
  return asks.length === 0 ? null : asks
}

export const amountIn = (asks: Asks | null, name: string): number =>
  asks?.find(([asked]) => asked === name)?.[1] ?? 0

type Taken = { inGrid: number; onNodes: Map<string, number> }

export class Resources {
  /** False while nodes that have yet to speak may run what takes some: of what the grid has nothing is given out then. */
  isTakenKnown = true
  readonly #totals = new Map<string, ResourceTotals>()
  readonly #taken = new Map<string, Taken>()

  define(name: string, totals: ResourceTotals): void {
    this.#totals.set(name, totals)
  }

  /** What is still taken of it is remembered until it is given back. */
  forget(name: string): void {
    this.#totals.delete(name)
  }

  names(): string[] {
    return [...this.#totals.keys()].sort()
  }

  totals(name: string): ResourceTotals | null {
    return this.#totals.get(name) ?? null
  }

  take(node: string, asks: Asks, count: number): void {
    for (const [name, amount] of asks) this.#change(name, node, amount * count, amount * count)
  }

  /** For a task that moves there: what it takes of the grid it holds already, where it is. */
  reserve(node: string, asks: Asks, count: number): void {
    for (const [name, amount] of asks) this.#change(name, node, 0, amount * count)
  }

  takenInGrid(name: string): number {
    return this.#taken.get(name)?.inGrid ?? 0
  }

  /** What is reserved there counts. */
  takenOn(name: string, node: string): number {
    return this.#taken.get(name)?.onNodes.get(node) ?? 0
  }

  /** Negative when the total was lowered below what is taken; Infinity where only nodes have it. */
  freeInGrid(name: string): number {
    const totals = this.#totals.get(name)
    if (totals === undefined) return -this.takenInGrid(name)
    return totals.total === null ? Infinity : totals.total - this.takenInGrid(name)
  }

  /** Null where the node is bounded by the grid alone: it has no total of its own, and the grid has one. */
  totalOn(name: string, node: string): number | null {
    const totals = this.#totals.get(name)
    const own = totals?.nodes.get(node)
    return own ?? (totals === undefined || totals.total === null ? 0 : null)
  }

  freeOn(name: string, node: string): number {
    const total = this.totalOn(name, node)
    return total === null ? Infinity : total - this.takenOn(name, node)
  }

  /** Whether one more task fits as far as the grid as a whole goes. */
  gridHas(asks: Asks): boolean {
    if (!this.isTakenKnown && this.areOfGrid(asks)) return false
    return asks.every(([name, amount]) => this.freeInGrid(name) >= amount)
  }

  /** Whether the grid as a whole bounds any of it: of other things each node knows what is taken. */
  areOfGrid(asks: Asks): boolean {
    return asks.some(([name]) => typeof this.#totals.get(name)?.total === 'number')
  }

  /** Whether the node, with nothing taken of it, has enough for one task. */
  nodeEverHas(node: string, asks: Asks | null): boolean {
    return (
      asks === null ||
      asks.every(([name, amount]) => (this.totalOn(name, node) ?? Infinity) >= amount)
    )
  }

  nodeHas(node: string, asks: Asks | null): boolean {
    return asks === null || asks.every(([name, amount]) => this.freeOn(name, node) >= amount)
  }

  /** The nodes that alone can have all of it; null where any may. */
  onlyOn(asks: Asks): ReadonlyMap<string, number> | null {
    let fewest: ReadonlyMap<string, number> | null = null
    for (const [name] of asks) {
      const totals = this.#totals.get(name)
      if (totals === undefined || totals.total !== null) continue
      if (fewest === null || totals.nodes.size < fewest.size) fewest = totals.nodes
    }
    return fewest
  }

  /** How many tasks more there is enough for, in the grid and on this node. */
  room(node: string, asks: Asks): number {
    let room = Infinity
    for (const [name, amount] of asks) {
      const free = Math.min(this.freeInGrid(name), this.freeOn(name, node))
      room = Math.min(room, Math.floor(free / amount))
    }
    return room
  }

  #change(name: string, node: string, inGrid: number, onNode: number): void {
    const taken = this.#taken.get(name) ?? { inGrid: 0, onNodes: new Map<string, number>() }
    this.#taken.set(name, taken)
    taken.inGrid += inGrid
    const here = (taken.onNodes.get(node) ?? 0) + onNode
    if (here === 0) taken.onNodes.delete(node)
    else taken.onNodes.set(node, here)
    if (taken.inGrid === 0 && taken.onNodes.size === 0) this.#taken.delete(name)
  }
}
