/** A lane: the waiting entries of one shape in one queue that may use the same nodes, first one on top. */
import type { Rows } from './rows.ts'
import type { Shape } from './shape.ts'

export class Lane {
  readonly key: string
  readonly shape: Shape
  readonly queuePriority: number
  /** Nodes that none of its entries may use. */
  readonly never: readonly string[]
  /** Tasks that wait in it. */
  tasks = 0
  /** A heap of rows. */
  readonly #heap: number[] = []
  readonly #rows: Rows

  constructor(
    key: string,
    shape: Shape,
    queuePriority: number,
    never: readonly string[],
    rows: Rows,
  ) {
    this.key = key
    this.shape = shape
    this.queuePriority = queuePriority
    this.never = never
    this.#rows = rows
  }

  get size(): number {
    return this.#heap.length
  }

  /** First row; only to be asked while the lane has one. */
  get top(): number {
    return this.#heap[0] ?? -1
  }

  rows(): readonly number[] {
    return this.#heap
  }

  before(other: Lane): boolean {
    return this.#rows.before(this.top, other.top)
  }

  push(row: number): void {
    this.tasks += this.#rows.count[row] ?? 0
    this.#heap.push(row)
    this.#rise(this.#heap.length - 1, row)
  }

  remove(row: number): void {
    this.tasks -= this.#rows.count[row] ?? 0
    const at = this.#rows.at[row] ?? 0
    const last = this.#heap.pop()
    if (last === undefined || last === row) return
    this.#sink(at, last)
    this.#rise(this.#rows.at[last] ?? 0, last)
  }

  #rise(from: number, row: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#heap[parent] ?? -1
      if (!this.#rows.before(row, above)) break
      this.#set(at, above)
      at = parent
    }
    this.#set(at, row)
  }

  #sink(from: number, row: number): void {
    let at = from
    for (;;) {
      let child = 2 * at + 1
      let next = this.#heap[child]
      if (next === undefined) break
      const right = this.#heap[child + 1]
      if (right !== undefined && this.#rows.before(right, next)) {
        next = right
        child++
      }
      if (!this.#rows.before(next, row)) break
      this.#set(at, next)
      at = child
    }
    this.#set(at, row)
  }

  #set(at: number, row: number): void {
    this.#heap[at] = row
    this.#rows.at[row] = at
  }
}
