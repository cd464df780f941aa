/** Who waits, in order: entries in lanes, lanes by owner, owners by priority of the queue. */
import { Lane } from './lane.ts'
import { Rows } from './rows.ts'
import type { Shape } from './shape.ts'
import { slotsBefore, type Shares } from './shares.ts'

export type WaitingEntry = {
  job: number
  shape: Shape
  queuePriority: number
  priority: number
  /** Submit time. */
  since: number
  /** Tasks that may be placed now; an entry with none is not kept. */
  count: number
  /** Nodes to use only where no other fits. */
  avoid: readonly string[]
  /** Nodes that must not be used. */
  never: readonly string[]
}

export type Head = { id: string; job: number; count: number; avoid: readonly string[] }
type SlotsLeft = (owner: string) => number
type Level = { priority: number; owners: Map<string, Map<string, Lane>> }

const none: readonly string[] = []

export class Waiting {
  readonly #rows = new Rows()
  readonly #rowOf = new Map<string, number>()
  readonly #laneOf: (Lane | undefined)[] = []
  readonly #avoidOf = new Map<number, readonly string[]>()
  /** Highest queue priority first. */
  readonly #levels: Level[] = []
  readonly #requests = new Map<string, { shape: Shape; lanes: number }>()

  /** Entries, not tasks. */
  get size(): number {
    return this.#rowOf.size
  }

  get tasks(): number {
    let tasks = 0
    for (const lane of this.#lanes()) tasks += lane.tasks
    return tasks
  }

  /** Adds an entry, or replaces the one with this id. */
  put(id: string, entry: WaitingEntry): void {
    this.drop(id)
    if (entry.count <= 0) return
    const row = this.#rows.add(id)
    this.#rows.job[row] = entry.job
    this.#rows.since[row] = entry.since
    this.#rows.priority[row] = entry.priority
    this.#rows.count[row] = entry.count
    this.#rowOf.set(id, row)
    if (entry.avoid.length > 0) this.#avoidOf.set(row, entry.avoid)
    const lane = this.#laneFor(entry)
    this.#laneOf[row] = lane
    lane.push(row)
  }

  drop(id: string): void {
    const row = this.#rowOf.get(id)
    if (row === undefined) return
    const lane = this.#laneOf[row]
    this.#rowOf.delete(id)
    this.#laneOf[row] = undefined
    this.#avoidOf.delete(row)
    lane?.remove(row)
    this.#rows.remove(row)
    if (lane?.size === 0) this.#dropLane(lane)
  }

  /** Tasks of this entry that wait. */
  count(id: string): number {
    const row = this.#rowOf.get(id)
    return row === undefined ? 0 : (this.#rows.count[row] ?? 0)
  }

  /** Different things asked of a node, over all owners: each with a shape that asks it. */
  *requests(): Iterable<Shape> {
    for (const { shape } of this.#requests.values()) yield shape
  }

  /** Lanes by owner, for each queue priority from the highest; a copy, because placing empties levels. */
  levels(): readonly Level[] {
    return [...this.#levels]
  }

  /** First entry of a lane that has one. */
  head(lane: Lane): Head {
    const row = lane.top
    return {
      id: this.#rows.id(row),
      job: this.#rows.job[row] ?? 0,
      count: this.#rows.count[row] ?? 0,
      avoid: this.#avoidOf.get(row) ?? none,
    }
  }

  /** Takes tasks off the first entry of a lane; false when nothing is left in the lane. */
  takeHead(lane: Lane, count: number): boolean {
    const row = lane.top
    const left = (this.#rows.count[row] ?? 0) - count
    if (left <= 0) this.drop(this.#rows.id(row))
    else {
      this.#rows.count[row] = left
      lane.tasks -= count
    }
    return lane.size > 0
  }

  /**
   * Tasks that go before this entry if nothing else changes: the owner's own earlier ones, and of every other
   * owner those that it may start until it holds as many slots as this owner will hold then. `slotsLeft`: what an
   * owner may still take of the grid; who is at a limit goes before nobody.
   */
  ahead(id: string, shares: Shares, slotsLeft: SlotsLeft = () => Infinity): number | null {
    const row = this.#rowOf.get(id)
    const lane = row === undefined ? undefined : this.#laneOf[row]
    if (row === undefined || lane === undefined) return null
    let tasks = 0
    for (const level of this.#levels) {
      if (level.priority < lane.queuePriority) break
      if (level.priority > lane.queuePriority) {
        for (const [owner, lanes] of level.owners)
          tasks += startable(waitingIn(lanes), slotsLeft(owner))
      } else tasks += this.#aheadIn(level, lane, row, { shares, slotsLeft })
    }
    return tasks
  }

  #aheadIn(
    level: Level,
    lane: Lane,
    row: number,
    { shares, slotsLeft }: { shares: Shares; slotsLeft: SlotsLeft },
  ): number {
    const { owner } = lane.shape
    let tasks = 0
    let slots = 0
    for (const own of level.owners.get(owner)?.values() ?? []) {
      for (const other of own.rows()) {
        if (other === row || !this.#rows.before(other, row)) continue
        const count = this.#rows.count[other] ?? 0
        tasks += count
        slots += count * own.shape.slots
      }
    }
    const before = slotsBefore(shares, owner, slots)
    for (const [other, lanes] of level.owners) {
      if (other === owner) continue
      const all = waitingIn(lanes)
      const each = all.slots / all.tasks
      const may = Math.min(startable(all, slotsLeft(other)), Math.ceil(before.of(other) / each))
      before.took(other, may * each)
      tasks += may
    }
    return tasks
  }

  #laneFor(entry: WaitingEntry): Lane {
    const lanes = this.#lanesOf(entry.queuePriority, entry.shape.owner)
    const never = entry.never.length === 0 ? none : [...new Set(entry.never)].sort()
    const key = never.length === 0 ? entry.shape.key : `${entry.shape.key} ${never.join(' ')}`
    const known = lanes.get(key)
    if (known !== undefined) return known
    const lane = new Lane(key, entry.shape, entry.queuePriority, never, this.#rows)
    lanes.set(key, lane)
    const request = this.#requests.get(entry.shape.request)
    if (request === undefined) {
      this.#requests.set(entry.shape.request, { shape: entry.shape, lanes: 1 })
    } else request.lanes += 1
    return lane
  }

  #lanesOf(priority: number, owner: string): Map<string, Lane> {
    let level = this.#levels.find((known) => known.priority === priority)
    if (level === undefined) {
      level = { priority, owners: new Map() }
      this.#levels.push(level)
      this.#levels.sort((a, b) => b.priority - a.priority)
    }
    let lanes = level.owners.get(owner)
    if (lanes === undefined) {
      lanes = new Map()
      level.owners.set(owner, lanes)
    }
    return lanes
  }

  #dropLane(lane: Lane): void {
    const at = this.#levels.findIndex((level) => level.priority === lane.queuePriority)
    const level = this.#levels[at]
    const lanes = level?.owners.get(lane.shape.owner)
    lanes?.delete(lane.key)
    if (lanes?.size === 0) level?.owners.delete(lane.shape.owner)
    if (level?.owners.size === 0) this.#levels.splice(at, 1)
    const request = this.#requests.get(lane.shape.request)
    if (request === undefined) return
    request.lanes -= 1
    if (request.lanes === 0) this.#requests.delete(lane.shape.request)
  }

  *#lanes(): Iterable<Lane> {
    for (const level of this.#levels) {
      for (const lanes of level.owners.values()) yield* lanes.values()
    }
  }
}

/** Of tasks that wait, how many may start within so many slots. */
const startable = (all: { tasks: number; slots: number }, slotsLeft: number): number =>
  Math.min(all.tasks, Math.max(0, Math.floor(slotsLeft / (all.slots / all.tasks))))

function waitingIn(lanes: Map<string, Lane>): { tasks: number; slots: number } {
  let tasks = 0
  let slots = 0
  for (const lane of lanes.values()) {
    tasks += lane.tasks
    slots += lane.tasks * lane.shape.slots
  }
  return { tasks, slots }
}
