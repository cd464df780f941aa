/** Untouched tasks of an array: stretches of indexes in order, all on one step. A million tasks are one stretch. */

export type Stretch = readonly [from: number, to: number]

export class IndexRanges {
  readonly step: number
  /** Never changed in place: many jobs share one. */
  #stretches: readonly Stretch[]
  #count: number

  constructor(stretches: readonly Stretch[], step: number) {
    this.step = step
    this.#stretches = stretches
    this.#count = stretches.reduce((sum, stretch) => sum + this.#length(stretch), 0)
  }

  get count(): number {
    return this.#count
  }

  get stretches(): readonly Stretch[] {
    return this.#stretches
  }

  /** Takes one index out, splitting its stretch; false where it is not in here. */
  take(index: number): boolean {
    const at = this.#stretches.findIndex(([from, to]) => index >= from && index <= to)
    const stretch = this.#stretches[at]
    if (stretch === undefined || (index - stretch[0]) % this.step !== 0) return false
    const parts: Stretch[] = [
      [stretch[0], index - this.step],
      [index + this.step, stretch[1]],
    ]
    const left = parts.filter(([from, to]) => from <= to)
    this.#stretches = this.#stretches.toSpliced(at, 1, ...left)
    this.#count -= 1
    return true
  }

  has(index: number): boolean {
    return this.#stretches.some(
      ([from, to]) => index >= from && index <= to && (index - from) % this.step === 0,
    )
  }

  /** Takes all out; how many there were. */
  clear(): number {
    const count = this.#count
    this.#stretches = []
    this.#count = 0
    return count
  }

  #length([from, to]: Stretch): number {
    return Math.floor((to - from) / this.step) + 1
  }
}
