/**
 * People's requests one after the other, so that those of exec-nodes never stand in a queue behind them: of what has
 * come in, a few are let in, then the sockets are looked at again, where a node is answered at once.
 */

export const defaultRequestsUnderWay = 1_000

/** Let in between two looks at the sockets: some milliseconds of work. */
const atOnce = 32

export class Turns {
  /** Requests that may be under way, waiting ones included; half of them by one owner. */
  readonly #max: number
  #underWay = 0
  readonly #byOwner = new Map<string, number>()
  #waiting: (() => void)[] = []
  #given = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Whether one more request of this owner has to be refused now. */
  isFull(owner: string): boolean {
    const own = this.#byOwner.get(owner) ?? 0
    return this.#underWay >= this.#max || own >= Math.max(1, this.#max / 2)
  }

  /** Null: go on at once. Each `enter` has its `leave`, when the request is over. */
  enter(owner: string): Promise<void> | null {
    this.#count(owner, 1)
    if (this.#given === 0) setImmediate(() => this.#next())
    this.#given += 1
    if (this.#given <= atOnce) return null
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  leave(owner: string): void {
    this.#count(owner, -1)
  }

  #count(owner: string, more: 1 | -1): void {
    this.#underWay += more
    const own = (this.#byOwner.get(owner) ?? 0) + more
    if (own > 0) this.#byOwner.set(owner, own)
    else this.#byOwner.delete(owner)
  }

  #next(): void {
    const some = this.#waiting.splice(0, atOnce)
    // Who comes now stands behind those that wait already.
    this.#given = this.#waiting.length > 0 ? atOnce : some.length
    if (this.#given > 0) setImmediate(() => this.#next())
    for (const resolve of some) resolve()
  }
}
