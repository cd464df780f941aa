/** A binary heap whose top may change in place: the owners and lanes of one tick are kept in these. */

export class Heap<T> {
  readonly #items: T[]
  readonly #before: (a: T, b: T) => boolean

  constructor(items: T[], before: (a: T, b: T) => boolean) {
    this.#items = items
    this.#before = before
    for (let at = (items.length >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  get top(): T | undefined {
    return this.#items[0]
  }

  /** The one that would be on top without the top. */
  get second(): T | undefined {
    const left = this.#items[1]
    const right = this.#items[2]
    if (left === undefined || right === undefined) return left
    return this.#before(right, left) ? right : left
  }

  pop(): void {
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return
    this.#items[0] = last
    this.#sink(0)
  }

  /** To be called when the top has become later in the order. */
  sinkTop(): void {
    this.#sink(0)
  }

  #sink(from: number): void {
    const items = this.#items
    const item = items[from]
    if (item === undefined) return
    let at = from
    for (;;) {
      let child = 2 * at + 1
      let next = items[child]
      if (next === undefined) break
      const right = items[child + 1]
      if (right !== undefined && this.#before(right, next)) {
        next = right
        child++
      }
      if (!this.#before(next, item)) break
      items[at] = next
      at = child
    }
    items[at] = item
  }
}
