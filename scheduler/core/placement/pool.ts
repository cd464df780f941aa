/** The open nodes that match one `where`, indexed by what is free: buckets of free slots, each by free memory. */
import type { Shape } from './shape.ts'

/** What placement knows of a node. `freeSlots` and `freeMem` may be negative when a node has shrunk. */
export type NodeRoom = {
  readonly name: string
  /** Decides between nodes that are equal otherwise. */
  readonly order: number
  slots: number
  memBytes: number
  labels: Readonly<Record<string, string>>
  closed: string | null
  /** False for a name that only tasks speak of: a node that is gone, or has not joined yet. */
  offered: boolean
  freeSlots: number
  freeMem: number
  tasks: number
  reserved: number
  /** Continuous tasks and reservations here, by owner. */
  readonly continuous: Map<string, number>
  pools: Pool[]
  /** Whether it stands in its pools now: open, with a slot free. */
  listed: boolean
}

/** What else a node must have; null: nothing. */
type Has = ((node: NodeRoom) => boolean) | null
type Bucket = { readonly free: number; readonly nodes: NodeRoom[] }

export class Pool {
  /** By free slots, rising; none is empty. */
  readonly #buckets: Bucket[] = []

  add(node: NodeRoom): void {
    const at = this.#firstWith(node.freeSlots)
    const bucket = this.#buckets[at]
    if (bucket === undefined || bucket.free !== node.freeSlots) {
      this.#buckets.splice(at, 0, { free: node.freeSlots, nodes: [node] })
    } else {
      bucket.nodes.splice(place(bucket.nodes, node.freeMem, node.order), 0, node)
    }
  }

  /** To be called before the node's figures change. */
  remove(node: NodeRoom): void {
    const at = this.#firstWith(node.freeSlots)
    const bucket = this.#buckets[at]
    if (bucket === undefined) return
    if (bucket.nodes.length === 1) this.#buckets.splice(at, 1)
    else bucket.nodes.splice(place(bucket.nodes, node.freeMem, node.order), 1)
  }

  fits(slots: number, memBytes: number): boolean {
    for (let at = this.#firstWith(slots); at < this.#buckets.length; at++) {
      if ((this.#buckets[at]?.nodes.at(-1)?.freeMem ?? -1) >= memBytes) return true
    }
    return false
  }

  /** Pack: the fullest node that fits. */
  fullest(shape: Shape, skip: readonly string[], has: Has = null): NodeRoom | null {
    for (let at = this.#firstWith(shape.slots); at < this.#buckets.length; at++) {
      const nodes = this.#buckets[at]?.nodes ?? []
      for (let i = place(nodes, shape.memBytes, -1); i < nodes.length; i++) {
        const node = nodes[i]
        if (node === undefined || skip.includes(node.name)) continue
        if (has === null || has(node)) return node
      }
    }
    return null
  }

  /** Spread: the node with fewest of the owner's continuous tasks, then the one with most free. */
  freest(shape: Shape, skip: readonly string[], has: Has = null): NodeRoom | null {
    let best: NodeRoom | null = null
    let fewest = Number.POSITIVE_INFINITY
    for (let at = this.#buckets.length - 1; at >= 0; at--) {
      const bucket = this.#buckets[at]
      if (bucket === undefined || bucket.free < shape.slots) break
      for (let i = bucket.nodes.length - 1; i >= 0; i--) {
        const node = bucket.nodes[i]
        if (node === undefined || node.freeMem < shape.memBytes) break
        const here = node.continuous.get(shape.owner) ?? 0
        if (here >= fewest || skip.includes(node.name)) continue
        if (has !== null && !has(node)) continue
        best = node
        fewest = here
        if (here === 0) return best
      }
    }
    return best
  }

  #firstWith(slots: number): number {
    let low = 0
    let high = this.#buckets.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#buckets[middle]?.free ?? 0) < slots) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** First place in nodes sorted by free memory, then order, that is not before the given one. */
function place(nodes: readonly NodeRoom[], freeMem: number, order: number): number {
  let low = 0
  let high = nodes.length
  while (low < high) {
    const middle = (low + high) >> 1
    const node = nodes[middle]
    if (node === undefined) break
    if (node.freeMem < freeMem || (node.freeMem === freeMem && node.order < order)) low = middle + 1
    else high = middle
  }
  return low
}
