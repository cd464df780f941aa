/** After a restore: what has run to its end, and whose node still tells of that, is not started a second time. */
import type { PlacementRecord } from '../../exec-node/core/record.ts'
import { placementOf } from '../../scheduler/core/task-state.ts'
import type { GridState } from '../../scheduler/state/grid.ts'
import { Broken } from './broken.ts'
import type { Watched } from './promises.ts'

export class ToldEnds {
  readonly #grid: Pick<Watched, 'scheduler' | 'nodes'>
  /** Tasks that have had a place in the present database: their ends are their placements' affair. */
  readonly #placed = new Set<string>()
  #database = 0

  constructor(grid: Pick<Watched, 'scheduler' | 'nodes'>) {
    this.#grid = grid
  }

  /** After each step of the scheduler. */
  look(): void {
    const { brain, database, isAstray } = this.#grid.scheduler
    if (brain === null || database === 0 || isAstray) return
    if (database !== this.#database) this.#placed.clear()
    this.#database = database
    for (const job of brain.state.jobs.values()) {
      if (job.kind !== 'task') continue
      for (const task of job.tasks?.values() ?? []) {
        const key = `${job.id}.${task.index}`
        const place = placementOf(task.state)
        if (place === null || this.#placed.has(key)) continue
        this.#placed.add(key)
        const isNew = place.epoch > job.epochBase && job.epochBase > 0
        if (isNew && this.#isHeard(brain.state)) this.#mustBeNew(key, place.epoch)
      }
    }
  }

  /** Every machine is what it seems, and has spoken to this database with its orders in hand. */
  #isHeard(state: GridState): boolean {
    const { nodes } = this.#grid
    return nodes.every(({ identity, name, isTwinned }) => {
      const node = state.nodes.get(name)
      const isHeard = node?.synced === true && node.ordersFrom === state.incarnation
      return isHeard && node.state === 'up' && identity.node === name && !isTwinned
    })
  }

  #mustBeNew(key: string, epoch: number): void {
    let newest: PlacementRecord | null = null
    for (const { spool } of this.#grid.nodes)
      for (const text of spool.records.values()) {
        const record = JSON.parse(text) as PlacementRecord
        const isOlder =
          record.order.epoch < epoch && record.order.epoch >= (newest?.order.epoch ?? 0)
        if (record.order.task === key && isOlder) newest = record
      }
    const { phase } = newest ?? {}
    // Others may be tried again.
    if (phase?.kind !== 'ended' || phase.cause.kind !== 'exit' || phase.cause.code !== 0) return
    throw new Broken(
      `${key} is placed as epoch ${epoch}, and had run to its end as ${newest?.order.epoch}`,
    )
  }
}
