/** Why a task waits, counted over the nodes, and the smallest change that would let it start. */
import { formatSize } from '../../proto/resources.ts'
import type { Capacity } from './placement/capacity.ts'
import { hasLabels, queueOfLabel, type Shape } from './placement/shape.ts'
import {
  fitsEmpty,
  labelHint,
  largest,
  names,
  size,
  smallerAsk,
  wayOutOf,
  type Room,
} from './placement/way-out.ts'

export type Reason = { code: string; nodes: number | null; detail: string }
export type Explained = {
  summary: string
  reasons: Reason[]
  wayOut: string | null
  ahead: number | null
}

export type WaitContext = {
  /** What holds it back before any node is asked: hold, dependencies, begin time, limits. */
  blockedBy: readonly { code: string; detail: string; wayOut: string | null }[]
  avoid: readonly string[]
  never: readonly string[]
  /** From `Waiting.ahead`. */
  ahead: number | null
}

export type FitVerdict =
  | { ok: true; warning: string | null }
  | { ok: false; detail: string; hint: string }

/** The first constraint, in this order, that keeps the shape from a node. */
type Obstacle =
  | 'label'
  | 'slots'
  | 'memory'
  | 'resource'
  | 'excluded'
  | 'closed'
  | 'slots-now'
  | 'memory-now'
  | 'resource-now'

export function explainWaiting(shape: Shape, capacity: Capacity, context: WaitContext): Explained {
  const rooms = known(capacity)
  const byObstacle = grouped(
    rooms,
    (room) => obstacle(shape, room, capacity, context.never) ?? 'none',
  )
  const free = byObstacle.get('none') ?? []
  const reasons: Reason[] = [
    ...context.blockedBy.map(({ code, detail }) => ({ code, nodes: null, detail })),
    ...nodeReasons(shape, byObstacle, capacity),
  ]
  if (rooms.length === 0) {
    reasons.push({ code: 'no-nodes', nodes: 0, detail: 'the grid has no nodes yet' })
  }
  const avoided = free.filter(({ name }) => context.avoid.includes(name))
  if (avoided.length > 0) {
    const detail = `it just failed on ${names(avoided)}: used only where no other node fits`
    reasons.push({ code: 'avoided', nodes: avoided.length, detail })
  }
  if (free.length > 0 && context.blockedBy.length === 0) reasons.push(inTurn(free, context.ahead))
  const nodesDecide = context.blockedBy.length === 0 && free.length === 0 && rooms.length > 0
  const wayOut = nodesDecide ? wayOutOf(shape, rooms, capacity.resources, context.never) : null
  return {
    summary: summaryOf(rooms, free, context),
    reasons,
    wayOut: context.blockedBy[0]?.wayOut ?? wayOut,
    ahead: context.ahead,
  }
}

/** For submit: whether any node of the grid, were it empty and open, could run the shape. */
export function canEverRun(shape: Shape, capacity: Capacity): FitVerdict {
  const { resources } = capacity
  const rooms = known(capacity)
  if (rooms.length === 0) {
    return { ok: true, warning: 'the grid has no nodes yet: the job waits until one joins' }
  }
  const fitting = rooms.filter((room) => fitsEmpty(shape, room, resources))
  if (fitting.length === 0) {
    const detail = `no node can ever run it: ${nodeReasons(
      shape,
      grouped(rooms, (room) => obstacle(shape, room, capacity, []) ?? 'none'),
      capacity,
    )
      .map((reason) => reason.detail)
      .join('; ')}`
    const ask = smallerAsk(
      shape,
      rooms.filter(({ name }) => resources.nodeEverHas(name, shape.resources)),
      (room) => room.slots,
      (room) => room.memBytes,
      'has',
    )
    return { ok: false, detail, hint: ask ?? labelHint(shape, rooms, resources) }
  }
  if (fitting.some((room) => room.closed === null)) return { ok: true, warning: null }
  return { ok: true, warning: `it waits: ${closedDetails(fitting).join('; ')}` }
}

const known = (capacity: Capacity): Room[] => [...capacity.nodes()].filter((room) => room.offered)

function obstacle(
  shape: Shape,
  room: Room,
  { resources }: Capacity,
  never: readonly string[],
): Obstacle | null {
  if (!hasLabels(room.labels, shape.where)) return 'label'
  if (room.slots < shape.slots) return 'slots'
  if (room.memBytes < shape.memBytes) return 'memory'
  if (!resources.nodeEverHas(room.name, shape.resources)) return 'resource'
  if (never.includes(room.name)) return 'excluded'
  if (room.closed !== null) return 'closed'
  if (room.freeSlots < shape.slots) return 'slots-now'
  if (room.freeMem < shape.memBytes) return 'memory-now'
  if (!resources.nodeHas(room.name, shape.resources)) return 'resource-now'
  return null
}

function nodeReasons(
  shape: Shape,
  by: Map<Obstacle | 'none', Room[]>,
  { resources }: Capacity,
): Reason[] {
  const slots = shape.slots === 1 ? 'a slot' : `${shape.slots} slots`
  const mem = formatSize(shape.memBytes)
  const reason = (code: Obstacle, words: (rooms: Room[]) => string): Reason[] => {
    const rooms = by.get(code) ?? []
    return rooms.length === 0 ? [] : [{ code, nodes: rooms.length, detail: words(rooms) }]
  }
  return [
    ...labelReasons(shape, by.get('label') ?? []),
    ...reason('slots', (rooms) => {
      const { name, slots: most } = largest(rooms, (room) => room.slots)
      return `${nodes(rooms)} too small for ${slots}: the largest, ${name}, has ${most} in all`
    }),
    ...reason('memory', (rooms) => {
      const { name, memBytes } = largest(rooms, (room) => room.memBytes)
      return `${nodes(rooms)} too small for ${mem}: the largest, ${name}, has ${size(memBytes)} in all`
    }),
    ...resourceReasons(shape, by.get('resource') ?? [], 'resource', (name, node) =>
      resources.totalOn(name, node),
    ),
    ...reason('excluded', (rooms) => `${names(rooms)} must not be used for it`),
    ...[...grouped(by.get('closed') ?? [], (room) => room.closed ?? '').values()].map((rooms) => ({
      code: 'closed',
      nodes: rooms.length,
      detail: closedDetails(rooms).join('; '),
    })),
    ...reason('slots-now', (rooms) => {
      const { name, freeSlots } = largest(rooms, (room) => room.freeSlots)
      return `${nodes(rooms)} without ${slots} free now: ${name} has most, ${Math.max(0, freeSlots)}`
    }),
    ...reason('memory-now', (rooms) => {
      const { name, freeMem } = largest(rooms, (room) => room.freeMem)
      return `${nodes(rooms)} without ${mem} of memory free now: ${name} has most, ${size(freeMem)}`
    }),
    ...resourceReasons(shape, by.get('resource-now') ?? [], 'resource-now', (name, node) =>
      resources.freeOn(name, node),
    ),
  ]
}

/** One reason for each resource that the nodes lack; null is no bound. */
function resourceReasons(
  { resources }: Shape,
  rooms: readonly Room[],
  code: 'resource' | 'resource-now',
  amountOn: (name: string, node: string) => number | null,
): Reason[] {
  return (resources ?? []).flatMap(([name, amount]) => {
    const has = (room: Room): number => amountOn(name, room.name) ?? Infinity
    const without = rooms.filter((room) => has(room) < amount)
    if (without.length === 0) return []
    const most = largest(without, has)
    const when = code === 'resource' ? '' : ' free now'
    const left = `${most.name} has most, ${Math.max(0, has(most))}${code === 'resource' ? ' in all' : ''}`
    const detail = `${nodes(without)} without ${amount} of resource ${name}${when}: ${left}`
    return [{ code, nodes: without.length, detail }]
  })
}

/** One reason for each label asked for; a node without several of them counts in each. */
function labelReasons(shape: Shape, rooms: readonly Room[]): Reason[] {
  return Object.entries(shape.where).flatMap(([label, value]) => {
    const without = rooms.filter((room) => room.labels[label] !== value)
    if (without.length === 0) return []
    const queue = queueOfLabel(label)
    return [
      {
        code: 'label',
        nodes: without.length,
        detail: `${nodes(without)} ${queue === null ? `without ${label}=${value}` : `not of queue ${queue}`}`,
      },
    ]
  })
}

const closedDetails = (rooms: readonly Room[]): string[] =>
  [...grouped(rooms, (room) => room.closed ?? '')].map(
    ([why, closed]) =>
      `${names(closed)} ${closed.length === 1 ? 'takes' : 'take'} no new work: ${why}`,
  )

function inTurn(free: readonly Room[], ahead: number | null): Reason {
  const first = ahead === null || ahead === 0 ? 'it is next' : `${ahead} waiting tasks go before it`
  return { code: 'in-turn', nodes: free.length, detail: `${nodes(free)} with room: ${first}` }
}

function summaryOf(rooms: readonly Room[], free: readonly Room[], context: WaitContext): string {
  const [blocker] = context.blockedBy
  if (blocker !== undefined) return `waits: ${blocker.detail}`
  if (rooms.length === 0) return 'waits: the grid has no nodes yet'
  if (free.length > 0) return 'about to start: there is room for it'
  return `waits: none of ${rooms.length} ${rooms.length === 1 ? 'node' : 'nodes'} has room for it now`
}

function grouped<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}

const nodes = (rooms: readonly Room[]): string =>
  rooms.length === 1 ? `1 node (${rooms[0]?.name ?? ''})` : `${rooms.length} nodes`
