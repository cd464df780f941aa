/**
 * Named resources, in grids that have some. Which job asks for what follows from its token, so that nothing is drawn by
 * chance for it: without them a seed tells the story that it always told.
 */
import type { JobRequest } from '../../proto/job.ts'
import type { Caller } from '../../scheduler/brain/call.ts'
import { amountIn } from '../../scheduler/core/placement/resources.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import type { GridState } from '../../scheduler/state/grid.ts'
import { Broken } from './broken.ts'
import type { Client } from './client.ts'
import type { LiveRun } from './promises.ts'

const operator: Caller = { owner: 'olga', rights: 'operator', from: 'sim' }
/** One-offs, which end, ask for the first two; bots for the third, of which there is enough where all nodes are up. */
const inGrid = { lock: 1, seat: 3, desk: 9 }
const onEachNode = { desk: 3 }

/** Once, before anything asks: a total that is set below what is held would be no fault. */
export async function defineScarce(client: Client, nodes: readonly string[]): Promise<void> {
  const set = async (name: string, total: number, node?: string) => {
    const body = { name, total, ...(node === undefined ? {} : { node }) }
    await client.ask('setResource', operator, { params: {}, query: {}, body })
  }
  for (const [name, total] of Object.entries(inGrid)) await set(name, total)
  for (const [name, total] of Object.entries(onEachNode))
    for (const node of nodes) await set(name, total, node)
}

export function withAsks(request: JobRequest): JobRequest {
  const nth = Number(request.command[1]?.slice(1))
  if (request.kind === 'continuous') return { ...request, resources: { desk: 1 } }
  if (nth % 3 === 1) return { ...request, resources: { lock: 1 } }
  return nth % 3 === 2 ? { ...request, resources: { seat: 1 + (nth % 2) } } : request
}

/** What is booked of each is what has a place, what nobody knows, and what is reserved. */
export function checkBooks(state: GridState): void {
  const { resources } = state.capacity
  const holding = [...state.jobs.values()].flatMap(({ shape, tasks }) =>
    [...(tasks?.values() ?? [])].flatMap((task) => {
      const node = placementOf(task.state)?.node
      return node === undefined ? [] : [{ node, shape }]
    }),
  )
  const unknown = [...state.nodes.values()].flatMap(({ name: node, unknown: placements }) =>
    [...placements.values()].flat().map(({ shape }) => ({ node, shape })),
  )
  const reserved = state.capacity.reservations()
  const sum = (of: readonly { node: string; shape: LiveShape }[], name: string, on?: string) =>
    of
      .filter(({ node }) => on === undefined || on === node)
      .reduce((total, { shape }) => total + amountIn(shape.resources, name), 0)
  for (const name of resources.names()) {
    const held = [...holding, ...unknown]
    if (resources.takenInGrid(name) !== sum(held, name))
      throw new Broken(
        `${resources.takenInGrid(name)} of ${name} are booked, ${sum(held, name)} are held`,
      )
    for (const node of state.nodes.keys()) {
      const there = sum([...held, ...reserved], name, node)
      if (resources.takenOn(name, node) !== there)
        throw new Broken(
          `${resources.takenOn(name, node)} of ${name} are booked on ${node}, ${there} are held`,
        )
    }
  }
}

type LiveShape = { resources: Parameters<typeof amountIn>[0] }

/** No more than there is: neither in the scheduler's books, nor by what really runs. */
export function checkScarce({ capacity, jobs }: GridState, live: readonly LiveRun[]): void {
  const { resources } = capacity
  for (const name of resources.names()) {
    if (resources.freeInGrid(name) < 0) throw new Broken(`more of ${name} is given than there is`)
    for (const { name: node } of capacity.nodes())
      if (resources.freeOn(name, node) < 0)
        throw new Broken(`more of ${name} is given on ${node} than it has`)
    const asksOf = ({ task }: LiveRun) => jobs.get(Number.parseInt(task, 10))?.shape.resources
    const runs = live.reduce((sum, run) => sum + amountIn(asksOf(run) ?? null, name), 0)
    const total = resources.totals(name)?.total ?? Infinity
    if (runs > total) throw new Broken(`${runs} of ${name} are used by what runs, of ${total}`)
  }
}
