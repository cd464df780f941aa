/** Waiting entries as columns of numbers: a million of them must not be a million objects. */

const startSize = 64

export class Rows {
  ids: string[] = []
  job = new Float64Array(startSize)
  since = new Float64Array(startSize)
  priority = new Int32Array(startSize)
  count = new Int32Array(startSize)
  /** Place in the heap of its lane. */
  at = new Int32Array(startSize)
  readonly #free: number[] = []
  #size = 0

  add(id: string): number {
    const row = this.#free.pop() ?? this.#size++
    if (row >= this.job.length) this.#grow()
    this.ids[row] = id
    return row
  }

  remove(row: number): void {
    this.ids[row] = ''
    this.#free.push(row)
  }

  id(row: number): string {
    return this.ids[row] ?? ''
  }

  /** Job priority, then age, then number. */
  before(a: number, b: number): boolean {
    const priority = (this.priority[a] ?? 0) - (this.priority[b] ?? 0)
    if (priority !== 0) return priority > 0
    const since = (this.since[a] ?? 0) - (this.since[b] ?? 0)
    if (since !== 0) return since < 0
    const job = (this.job[a] ?? 0) - (this.job[b] ?? 0)
    if (job !== 0) return job < 0
    const idA = this.id(a)
    const idB = this.id(b)
    return idA.length === idB.length ? idA < idB : idA.length < idB.length
  }

  #grow(): void {
    const size = Math.ceil(this.job.length * 1.5)
    this.job = copied(this.job, new Float64Array(size))
    this.since = copied(this.since, new Float64Array(size))
    this.priority = copied(this.priority, new Int32Array(size))
    this.count = copied(this.count, new Int32Array(size))
    this.at = copied(this.at, new Int32Array(size))
  }
}

function copied<C extends Float64Array | Int32Array>(column: C, wider: C): C {
  wider.set(column)
  return wider
}
