/**
 * Untouched tasks of a job: stretches of indexes in order, all on one step. A million tasks are one stretch. Never changed
 * in place, so that all jobs with one task share one.
 */

export type Stretch = readonly [from: number, to: number]

export class IndexRanges {
  readonly step: number
  readonly stretches: readonly Stretch[]
  readonly count: number

  constructor(stretches: readonly Stretch[], step: number) {
    this.step = step
    this.stretches = stretches
    this.count = stretches.reduce((sum, stretch) => sum + this.#length(stretch), 0)
  }

  /** Without one index, which may split a stretch; itself where that is not in here. */
  without(index: number): IndexRanges {
    const at = this.stretches.findIndex(([from, to]) => index >= from && index <= to)
    const stretch = this.stretches[at]
    if (stretch === undefined || (index - stretch[0]) % this.step !== 0) return this
    if (this.count === 1) return noIndexes
    const parts: Stretch[] = [
      [stretch[0], index - this.step],
      [index + this.step, stretch[1]],
    ]
    const left = parts.filter(([from, to]) => from <= to)
    return new IndexRanges(this.stretches.toSpliced(at, 1, ...left), this.step)
  }

  has(index: number): boolean {
    return this.stretches.some(
      ([from, to]) => index >= from && index <= to && (index - from) % this.step === 0,
    )
  }

  #length([from, to]: Stretch): number {
    return Math.floor((to - from) / this.step) + 1
  }
}

export const noIndexes = new IndexRanges([], 1)
/** Of a job that is no array. */
export const oneIndex = new IndexRanges([[1, 1]], 1)
