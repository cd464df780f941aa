/**
 * Fair share: the slots that each owner holds now, and those that it held on average of late. Who has the smaller
 * sum goes first. The average forgets half of what was in each half-life; it is kept for each owner from change to
 * change, so that no task is ever counted.
 */
import type { Shape } from './shape.ts'
import { ShareTree, type Standing } from './share-tree.ts'

export type Held = { readonly slots: number; readonly memBytes: number }
type Asked = Pick<Shape, 'owner' | 'queue' | 'slots' | 'memBytes'>
/** `average` was right at `at`, in the time that `advance` tells; since then `slots` were held. */
type Account = { slots: number; memBytes: number; average: number; at: number; changed: boolean }

export const defaultHalfLifeMs = 86_400_000
/** Of an owner that holds nothing: so little, about a second of one slot in a day, is forgotten. */
const leastAverage = 1e-5
const nothing: Held = { slots: 0, memBytes: 0 }

export class Shares {
  tree: ShareTree
  #halfLifeMs: number
  readonly #accounts = new Map<string, Account>()
  readonly #queues = new Map<string, number>()
  #now = 0

  constructor(halfLifeMs = defaultHalfLifeMs, tree = new ShareTree()) {
    this.#halfLifeMs = halfLifeMs
    this.tree = tree
  }

  get halfLifeMs(): number {
    return this.#halfLifeMs
  }

  /** From now on: what was forgotten before stays so. */
  set halfLifeMs(ms: number) {
    for (const owner of this.#accounts.keys()) this.#settled(owner)
    this.#halfLifeMs = ms
  }

  /** Time goes on; it never goes back. In ms, from any beginning. */
  advance(now: number): void {
    this.#now = Math.max(this.#now, now)
  }

  /** What an owner holds now and held of late, in slots: owners are ordered by it, each divided by its weight. */
  of(owner: string): number {
    const account = this.#accounts.get(owner)
    return account === undefined ? 0 : account.slots + this.#averageOf(account)
  }

  /** The sums of the groups of the tree that hold something. */
  ofGroups(): Map<string, number> {
    const sums = new Map<string, number>()
    if (!this.tree.hasGroups) return sums
    for (const owner of this.#accounts.keys()) {
      const group = this.tree.groupOf(owner)
      if (group !== null) sums.set(group, (sums.get(group) ?? 0) + this.of(owner))
    }
    return sums
  }

  /** `groups`: as `ofGroups` tells them. */
  standing(owner: string, groups: ReadonlyMap<string, number>): Standing {
    const own = this.of(owner) / this.tree.ofOwner(owner)
    const group = this.tree.groupOf(owner)
    const root = group === null ? own : (groups.get(group) ?? 0) / this.tree.ofGroup(group)
    return { group, root, own }
  }

  /** Slots held on average of late. */
  average(owner: string): number {
    const account = this.#accounts.get(owner)
    return account === undefined ? 0 : this.#averageOf(account)
  }

  held(owner: string): Held {
    return this.#accounts.get(owner) ?? nothing
  }

  /** Who holds something, or has of late. */
  owners(): Iterable<string> {
    return this.#accounts.keys()
  }

  /** Slots that all of a queue holds. */
  queueSlots(queue: string): number {
    return this.#queues.get(queue) ?? 0
  }

  take({ owner, queue, slots, memBytes }: Asked, count = 1): void {
    this.#queues.set(queue, this.queueSlots(queue) + slots * count)
    const account = this.#settled(owner)
    account.slots += slots * count
    account.memBytes += memBytes * count
  }

  give({ owner, queue, slots, memBytes }: Asked, count = 1): void {
    this.#queues.set(queue, this.queueSlots(queue) - slots * count)
    const account = this.#settled(owner)
    account.slots -= slots * count
    account.memBytes -= memBytes * count
  }

  /** What an owner had used before a restart: `average`, as it was `agoMs` ago. */
  restore(owner: string, average: number, agoMs: number): void {
    const account = this.#settled(owner)
    account.average = average
    account.at = this.#now - agoMs
  }

  /** Averages that went another way than down since they were last asked for, as they are now; 0: forget it. */
  takeChanged(): { owner: string; average: number }[] {
    const rows: { owner: string; average: number }[] = []
    for (const [owner, account] of this.#accounts) {
      const average = this.#averageOf(account)
      const isOver = account.slots <= 0 && average < leastAverage
      if (isOver) this.#accounts.delete(owner)
      if (isOver || account.changed) rows.push({ owner, average: isOver ? 0 : average })
      account.changed = account.slots > 0
    }
    return rows
  }

  #averageOf({ slots, average, at }: Account): number {
    if (average === slots || this.#now <= at) return average
    return slots + (average - slots) * 2 ** ((at - this.#now) / this.#halfLifeMs)
  }

  #settled(owner: string): Account {
    let account = this.#accounts.get(owner)
    if (account === undefined) {
      account = { slots: 0, memBytes: 0, average: 0, at: this.#now, changed: true }
      this.#accounts.set(owner, account)
      return account
    }
    account.average = this.#averageOf(account)
    account.at = this.#now
    account.changed = true
    return account
  }
}

/** Slots that others may take until their turn is after that of an owner who has taken `more` slots besides. */
export function slotsBefore(shares: Shares, owner: string, more: number) {
  const { tree } = shares
  const sums = shares.ofGroups()
  const own = shares.standing(owner, sums)
  const ownAt = own.own + more / tree.ofOwner(owner)
  const rootAt = own.group === null ? ownAt : own.root + more / tree.ofGroup(own.group)
  const taken = new Map<string, number>()
  return {
    of(other: string): number {
      const { group, root, own: otherOwn } = shares.standing(other, sums)
      const isInGroup = group !== null && group === own.group
      if (isInGroup || group === null)
        return Math.max(0, (isInGroup ? ownAt : rootAt) - otherOwn) * tree.ofOwner(other)
      return Math.max(0, (rootAt - root) * tree.ofGroup(group) - (taken.get(group) ?? 0))
    },
    /** Members of a group take from what the group may. */
    took(other: string, slots: number): void {
      const group = tree.groupOf(other)
      if (group !== null) taken.set(group, (taken.get(group) ?? 0) + slots)
    },
  }
}
