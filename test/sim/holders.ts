/**
 * Which machine the scheduler takes for a node. A clone that nothing tells apart may pass for its original where that
 * is cut off before both were told, or has not spoken since the scheduler was started (docs/guarantees.md): what lives
 * on the one that is passed over then lives beside what the scheduler knows. Nowhere else may it.
 */
import { keyOf, type PlacementRecord } from '../../exec-node/core/record.ts'
import { taskKey } from '../../proto/ids.ts'
import type { NodeHost } from './node-host.ts'
import type { LiveRun } from './promises.ts'
import { simLease, type SchedulerHost } from './scheduler-host.ts'

/** Clocks of two machines run at slightly different rates, and uptimes are read in hundredths of a second. */
const silentMs = simLease.silentAfterMs * 0.999 - 10

type Around = { scheduler: SchedulerHost; nodes: readonly NodeHost[] }

/** Of the boot id that an agent says. */
export const machineOf = (bootId: string): string => bootId.replace(/-boot-\d+$/, '')

/** One that is not heard: which boot of it, and the epochs that may have been ordered there by then, by task. */
type PassedOver = { bootId: string; epochs: ReadonlyMap<string, number> }

export class Holders {
  readonly #grid: Around
  /** Node name -> machine. */
  readonly #held = new Map<string, string>()
  /** By machine. */
  readonly #passedOver = new Map<string, PassedOver>()
  /** Machines that this start of the scheduler has told from the holder of their name. */
  readonly #told = new Set<string>()
  #of: SchedulerHost['brain'] = null
  /** Placements on a machine that was passed over, by boot: a bot's goes on when the name is its own again. */
  readonly #strays = new Set<string>()

  constructor(grid: Around) {
    this.#grid = grid
  }

  /** After each step of the scheduler; true when a name went to another machine. */
  look(): boolean {
    const { brain, isAstray } = this.#grid.scheduler
    if (brain === null || isAstray) return false
    if (brain !== this.#of) this.#told.clear()
    this.#of = brain
    let isOther = false
    for (const { name, facts, otherBoots } of brain.state.nodes.values()) {
      if (facts === null) continue
      for (const [bootId, { isTwin }] of otherBoots) if (isTwin) this.#told.add(machineOf(bootId))
      const machine = machineOf(facts.bootId)
      const before = this.#held.get(name)
      if (before === machine) continue
      this.#held.set(name, machine)
      this.#passedOver.delete(machine)
      if (before === undefined) continue
      isOther = true
      const isAllowed =
        this.#isAlike(before, machine) && !this.#told.has(machine) && this.#isUnheard(before)
      if (isAllowed) this.#passOver(before)
      const { world } = this.#grid.scheduler
      world.note(
        `${name} is ${machine} now, not ${before}${isAllowed ? ', which is not heard' : ''}`,
      )
    }
    return isOther
  }

  isStray({ node, task, epoch }: LiveRun): boolean {
    const bootId = this.#nodeOf(node)?.host.bootId ?? ''
    const key = `${bootId} ${task}.${epoch}`
    const passed = this.#passedOver.get(node)
    if (passed?.bootId === bootId && epoch <= (passed.epochs.get(task) ?? this.#newestUnknown))
      this.#strays.add(key)
    return this.#strays.has(key)
  }

  /** A restored database learns of the epochs of before only from the nodes. */
  get #newestUnknown(): number {
    return this.#grid.scheduler.database > 0 ? Number.POSITIVE_INFINITY : 0
  }

  /** What sleeps, or waits for its next run, is seen to live when the name may be its own again. */
  #passOver(name: string): void {
    const node = this.#nodeOf(name)
    const { brain } = this.#grid.scheduler
    if (node === undefined || brain === null) return
    const epochs = new Map<string, number>()
    for (const job of brain.state.jobs.values())
      for (const task of job.tasks?.values() ?? [])
        epochs.set(taskKey(job.id, task.index), task.epoch)
    const { bootId } = node.host
    this.#passedOver.set(name, { bootId, epochs })
    for (const text of node.spool.records.values())
      this.#strays.add(`${bootId} ${keyOf(JSON.parse(text) as PlacementRecord)}`)
  }

  #nodeOf(name: string): NodeHost | undefined {
    return this.#grid.nodes.find((node) => node.name === name)
  }

  /** One of them may be gone by now. */
  #isAlike(one: string, other: string): boolean {
    return this.#grid.nodes.some(({ alike }) => alike.has(one) && alike.has(other))
  }

  /** What arrived counts, read or not: a scheduler that stood still or slept has not been told of any silence. */
  #isUnheard(machine: string): boolean {
    const { scheduler } = this.#grid
    if (!scheduler.counted.has(machine)) return true
    const arrivedAt = scheduler.arrived.get(machine)?.at ?? 0
    const since = Math.max(arrivedAt, scheduler.host.awakeSince)
    return scheduler.world.now - since >= silentMs
  }
}
