/** The tree of fair shares: owners by themselves, and groups whose members share what their group gets; each with a weight. */

export type Weights = {
  readonly owners: ReadonlyMap<string, number>
  readonly groups: ReadonlyMap<string, number>
}

/** Where an owner stands: of two, the one whose `root` is smaller goes first; within one group, the one whose `own` is. */
export type Standing = { group: string | null; root: number; own: number }

/** Below 0 where the first goes first, 0 where other things decide. */
export const byStanding = (a: Standing, b: Standing): number =>
  a.root - b.root || (a.group === b.group ? a.own - b.own : 0)

const even = 1

export class ShareTree {
  #weights: Weights = { owners: new Map(), groups: new Map() }
  #heaviest: string[] = []
  readonly #members: ReadonlyMap<string, ReadonlySet<string>>

  /** `members`: who is in which unix group; looked up when it is asked, so it may change. */
  constructor(members: ReadonlyMap<string, ReadonlySet<string>> = new Map()) {
    this.#members = members
  }

  get weights(): Weights {
    return this.#weights
  }

  set weights(weights: Weights) {
    this.#weights = weights
    const { groups } = weights
    this.#heaviest = [...groups.keys()].sort(
      (a, b) => (groups.get(b) ?? even) - (groups.get(a) ?? even) || (a < b ? -1 : 1),
    )
  }

  get hasGroups(): boolean {
    return this.#heaviest.length > 0
  }

  ofOwner(owner: string): number {
    return this.#weights.owners.get(owner) ?? even
  }

  ofGroup(group: string): number {
    return this.#weights.groups.get(group) ?? even
  }

  /** The group that an owner stands in: of several the one that weighs most, of equal ones the first by name. */
  groupOf(owner: string): string | null {
    return this.#heaviest.find((group) => this.#members.get(group)?.has(owner) === true) ?? null
  }
}
