/** The way out for what fits nowhere now: the smallest change that would let it start. */
import { formatSize } from '../../../proto/resources.ts'
import type { NodeRoom } from './capacity.ts'
import type { Resources } from './resources.ts'
import { hasLabels, queueOfLabel, type Shape } from './shape.ts'

export type Room = Readonly<NodeRoom>

export function wayOutOf(
  shape: Shape,
  rooms: readonly Room[],
  resources: Resources,
  never: readonly string[],
): string {
  const allowed = rooms.filter((room) => !never.includes(room.name))
  const open = allowed.filter((room) => room.closed === null)
  const ask = smallerAsk(
    shape,
    open.filter(({ name }) => resources.nodeHas(name, shape.resources)),
    (room) => room.freeSlots,
    (room) => room.freeMem,
    'has free',
  )
  const ways = [waitFor(shape, open, resources), ask].filter((way) => way !== null)
  if (ways.length > 0) return ways.join(', or ')
  const closed = allowed.filter((room) => room.closed !== null && fitsEmpty(shape, room, resources))
  if (closed.length > 0)
    return `wait until ${names(closed)} ${closed.length === 1 ? 'takes' : 'take'} new work again`
  return labelHint(shape, rooms, resources)
}

/** The open node that needs least to end before the shape fits. */
function waitFor(shape: Shape, open: readonly Room[], resources: Resources): string | null {
  const missing = open
    .filter((room) => fitsEmpty(shape, room, resources))
    .map((room) => ({
      room,
      slots: Math.max(0, shape.slots - room.freeSlots),
      memBytes: Math.max(0, shape.memBytes - room.freeMem),
      named: missingOn(room.name, shape, resources),
    }))
    .sort(
      (a, b) =>
        a.slots - b.slots ||
        a.memBytes - b.memBytes ||
        a.named.length - b.named.length ||
        a.room.order - b.room.order,
    )
  const [least] = missing
  if (least === undefined) return null
  const parts = [
    ...(least.slots > 0 ? [`${least.slots} more ${least.slots === 1 ? 'slot' : 'slots'}`] : []),
    ...(least.memBytes > 0 ? [`${formatSize(least.memBytes)} more memory`] : []),
    ...least.named,
  ]
  return `wait for ${parts.join(' and ')} on ${least.room.name}`
}

const missingOn = (node: string, { resources: asks }: Shape, resources: Resources): string[] =>
  (asks ?? []).flatMap(([name, amount]) => {
    const missing = amount - resources.freeOn(name, node)
    return missing > 0 ? [`${missing} more of ${name}`] : []
  })

/** Fewer slots or less memory that would fit a node with the labels; the smaller cut of the two. */
export function smallerAsk(
  shape: Shape,
  rooms: readonly Room[],
  slotsOf: (room: Room) => number,
  memOf: (room: Room) => number,
  has: 'has' | 'has free',
): string | null {
  const labelled = rooms.filter((room) => hasLabels(room.labels, shape.where))
  const bySlots = labelled.filter((room) => memOf(room) >= shape.memBytes && slotsOf(room) > 0)
  const byMem = labelled.filter((room) => slotsOf(room) >= shape.slots && memOf(room) >= 2 ** 20)
  const words =
    has === 'has' ? (what: string) => `has ${what}` : (what: string) => `has ${what} free`
  const cuts: { cut: number; words: string }[] = []
  if (bySlots.length > 0) {
    const room = largest(bySlots, slotsOf)
    const slots = slotsOf(room)
    const text = `ask for ${slots} ${slots === 1 ? 'slot' : 'slots'} instead of ${shape.slots}: ${room.name} ${words(String(slots))}`
    cuts.push({ cut: 1 - slots / shape.slots, words: text })
  }
  if (byMem.length > 0) {
    const room = largest(byMem, memOf)
    const text = `ask for ${size(memOf(room))} instead of ${formatSize(shape.memBytes)}: ${room.name} ${words(size(memOf(room)))}`
    cuts.push({ cut: 1 - memOf(room) / shape.memBytes, words: text })
  }
  return cuts.sort((a, b) => a.cut - b.cut)[0]?.words ?? null
}

/** For labels and resources that no node has: which there are. */
export function labelHint(shape: Shape, rooms: readonly Room[], resources: Resources): string {
  for (const [label, value] of Object.entries(shape.where)) {
    if (rooms.some((room) => room.labels[label] === value)) continue
    const queue = queueOfLabel(label)
    if (queue !== null) return `take another queue: queue ${queue} has no nodes here`
    const values = [...new Set(rooms.flatMap((room) => room.labels[label] ?? []))].sort()
    if (values.length === 0) return `ask without ${label}=${value}: no node has the label ${label}`
    const some = values.slice(0, 5).map((other) => `${label}=${other}`)
    return `ask for one of ${some.join(', ')}${values.length > 5 ? ', …' : ''}: no node has ${label}=${value}`
  }
  for (const [name, amount] of shape.resources ?? []) {
    const totals = rooms.map((room) => resources.totalOn(name, room.name) ?? Infinity)
    const most = Math.max(0, ...totals)
    if (most >= amount) continue
    return most > 0
      ? `ask for ${most} of resource ${name} or less`
      : `ask without resource ${name}: no node has any`
  }
  return 'ask for fewer slots, less memory, fewer labels or resources: no node has all of it together'
}

export function largest(rooms: readonly Room[], figure: (room: Room) => number): Room {
  return rooms.reduce((best, room) => (figure(room) > figure(best) ? room : best))
}

export const names = (rooms: readonly Room[]): string => {
  const some = rooms.slice(0, 3).map(({ name }) => name)
  return rooms.length > 3 ? `${some.join(', ')} and ${rooms.length - 3} more` : some.join(', ')
}

/** Rounded down, so that what is advised does fit. */
export function size(bytes: number): string {
  if (bytes <= 0) return '0'
  const unit = [2 ** 40, 2 ** 30, 2 ** 20, 2 ** 10].find((one) => bytes >= one) ?? 1
  return formatSize(Math.floor((bytes / unit) * 10 + 1e-9) * (unit / 10))
}
export const fitsEmpty = (shape: Shape, room: Room, resources: Resources): boolean =>
  room.slots >= shape.slots &&
  room.memBytes >= shape.memBytes &&
  resources.nodeEverHas(room.name, shape.resources) &&
  hasLabels(room.labels, shape.where)
