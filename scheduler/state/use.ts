/** What each owner has in the scheduler's memory, counted as it comes and goes. */

export type OwnerUse = { jobs: number; continuous: number; schedules: number; pending: number }

const nothing: Readonly<OwnerUse> = { jobs: 0, continuous: 0, schedules: 0, pending: 0 }

export class Use {
  readonly #byOwner = new Map<string, OwnerUse>()

  of(owner: string): Readonly<OwnerUse> {
    return this.#byOwner.get(owner) ?? nothing
  }

  owners(): Iterable<string> {
    return this.#byOwner.keys()
  }

  count(owner: string, what: keyof OwnerUse, more: number): void {
    const use = this.#byOwner.get(owner) ?? { ...nothing }
    use[what] += more
    const isGone = use.jobs + use.schedules <= 0 && use.pending <= 0
    if (isGone) this.#byOwner.delete(owner)
    else this.#byOwner.set(owner, use)
  }
}
