/** Bench of the placement core: 1,000,000 waiting entries on 10,000 nodes. */
import { fileURLToPath } from 'node:url'

import { Capacity } from '../../scheduler/core/placement/capacity.ts'
import { place } from '../../scheduler/core/placement/place.ts'
import { ShapeTable, type Shape } from '../../scheduler/core/placement/shape.ts'
import { Shares } from '../../scheduler/core/placement/shares.ts'
import { Waiting } from '../../scheduler/core/placement/waiting.ts'

const nodesCount = 10_000
const entriesCount = 1_000_000
const ownersCount = 1_000
const gib = 2 ** 30

export type PlacementFigures = {
  placementsPerSecond: number
  idleTickMs: number
  bytesPerTask: number
}

export function benchPlacement(): PlacementFigures {
  const capacity = new Capacity()
  for (let i = 0; i < nodesCount; i++) {
    capacity.setNode({
      name: `node${i}`,
      slots: 16,
      memBytes: 64 * gib,
      labels: { zone: i % 2 === 0 ? 'a' : 'b', host: `node${i}` },
      closed: null,
    })
  }
  const before = memoryUsed()
  const { waiting, shapes } = fill()
  const bytesPerTask = (memoryUsed() - before) / entriesCount
  const shares = new Shares()
  let placements = 0
  let spentMs = 0
  /** Half of the grid ends at a time, and is filled again. */
  for (let round = 0; round < 4; round++) {
    const startedAt = performance.now()
    const placed = place(waiting, capacity, shares, Number.POSITIVE_INFINITY)
    spentMs += performance.now() - startedAt
    for (const [i, { node, shape, count }] of placed.entries()) {
      placements += count
      if (round === 3 || i % 2 === 0) continue
      capacity.give(node, shape, count)
      shares.give(shape, count)
    }
  }
  const idle: number[] = []
  for (let round = 0; round < 20; round++) {
    const startedAt = performance.now()
    const placed = place(waiting, capacity, shares, Number.POSITIVE_INFINITY)
    idle.push(performance.now() - startedAt)
    if (placed.length > 0) throw new Error('the tick was to be idle')
  }
  if (shapes.length === 0 || waiting.size === 0) throw new Error('nothing waits')
  return {
    placementsPerSecond: Math.round(placements / (spentMs / 1000)),
    idleTickMs: Math.max(...idle),
    bytesPerTask: Math.round(bytesPerTask),
  }
}

/** 300 requests over 1,000 owners: some 10,000 shapes; every tenth asks for a zone, every 50th for a node. */
function fill(): { waiting: Waiting; shapes: Shape[] } {
  const table = new ShapeTable()
  const waiting = new Waiting()
  const shapes: Shape[] = []
  for (let i = 0; i < ownersCount * 10; i++) {
    const request = (i * 7919) % 300
    const where: Record<string, string> =
      request % 50 === 0
        ? { host: `node${request}` }
        : request % 10 === 0
          ? { zone: request % 20 === 0 ? 'a' : 'b' }
          : {}
    shapes.push(
      table.intern({
        owner: `tool${i % ownersCount}`,
        queue: 'default',
        slots: 1 + (request % 4),
        memBytes: (1 + (request % 75)) * 2 ** 25,
        where,
        spread: request % 25 === 0,
      }),
    )
  }
  for (let i = 0; i < entriesCount; i++) {
    const shape = shapes[(i * 104_729) % shapes.length]
    if (shape === undefined) continue
    waiting.put(String(i + 1), {
      job: i + 1,
      shape,
      queuePriority: 0,
      priority: i % 3,
      since: 1_700_000_000_000 + i,
      count: 1,
      avoid: [],
      never: [],
    })
  }
  return { waiting, shapes }
}

function memoryUsed(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(benchPlacement())
