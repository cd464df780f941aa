/** Shapes: what tasks ask for. Tasks of one shape are asked about once, however many wait. */
import type { Asks } from './resources.ts'

export type Shape = {
  readonly key: string
  /** Equal for all owners that ask a node for the same; what fits nowhere is skipped by this. */
  readonly request: string
  /** Canonical `where`; empty when any node will do. */
  readonly whereKey: string
  readonly owner: string
  readonly queue: string
  readonly slots: number
  readonly memBytes: number
  readonly where: Readonly<Record<string, string>>
  /** Continuous: the owner's jobs are spread over nodes. */
  readonly spread: boolean
  /** Named resources; null, as of nearly all, where none are asked for. */
  readonly resources: Asks | null
}

export type ShapeParts = Omit<Shape, 'key' | 'request' | 'whereKey' | 'resources'> & {
  readonly resources?: Asks | null
}

/** Users may ask for ever new sizes: the table is emptied when full. What compares shapes uses `key`. */
const shapesMax = 50_000

export class ShapeTable {
  readonly #shapes = new Map<string, Shape>()
  /** Many jobs of one shape come one after the other. */
  #newest: Shape | null = null

  /** Equal shapes are one object, so that a million tasks of a shape do not hold a million copies. */
  intern(parts: ShapeParts): Shape {
    if (this.#newest !== null && isOf(this.#newest, parts)) return this.#newest
    const shape = makeShape(parts)
    const known = this.#shapes.get(shape.key)
    this.#newest = known ?? shape
    if (known !== undefined) return known
    if (this.#shapes.size >= shapesMax) this.#shapes.clear()
    this.#shapes.set(shape.key, shape)
    return shape
  }
}

/** False also where it would take a closer look. */
function isOf(shape: Shape, parts: ShapeParts): boolean {
  const { owner, queue, slots, memBytes, where, spread, resources = null } = parts
  if (shape.resources !== null || resources !== null) return false
  if (shape.whereKey !== '' || shape.owner !== owner || shape.queue !== queue) return false
  if (shape.slots !== slots || shape.memBytes !== memBytes || shape.spread !== spread) return false
  return isEmpty(where)
}

function makeShape(parts: ShapeParts): Shape {
  const { owner, queue, slots, memBytes, where, spread, resources = null } = parts
  const pairs = Object.entries(where).sort(([a], [b]) => (a < b ? -1 : 1))
  const whereKey = pairs.length === 0 ? '' : JSON.stringify(pairs)
  const asks = resources === null ? '' : JSON.stringify(resources)
  const request = `${slots}/${memBytes}/${whereKey}${asks}`
  const key = JSON.stringify([owner, queue, slots, memBytes, whereKey, spread]) + asks
  return { key, request, whereKey, owner, queue, slots, memBytes, where, spread, resources }
}

/** Nodes of a queue that has nodes of its own bear this label, and its jobs ask for it beside what they say. */
const queuePrefix = 'queue:'
export const queueLabel = (queue: string): string => queuePrefix + queue
/** The queue that a label is of; null of others. */
export const queueOfLabel = (label: string): string | null =>
  label.startsWith(queuePrefix) ? label.slice(queuePrefix.length) : null

/** What was said of labels, without what queues make of it. */
export function ownLabels<T extends Readonly<Record<string, string>>>(labels: T): T {
  if (isEmpty(labels)) return labels
  const own = Object.entries(labels).filter(([label]) => queueOfLabel(label) === null)
  return own.length === Object.keys(labels).length ? labels : (Object.fromEntries(own) as T)
}

export function isEmpty(labels: object): boolean {
  for (const _ in labels) return false
  return true
}

export const hasLabels = (
  labels: Readonly<Record<string, string>>,
  where: Readonly<Record<string, string>>,
): boolean => Object.entries(where).every(([label, value]) => labels[label] === value)
