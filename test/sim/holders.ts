/**
 * Which machine the scheduler takes for a node. A clone that nothing tells apart may pass for its original where that
 * is cut off before both were told, or has not spoken since the scheduler was started (docs/guarantees.md): what lives
 * on the one that is passed over then lives beside what the scheduler knows. Nowhere else may it.
 */
import { parseRunKey } from '../../exec-node/core/record.ts'
import type { NodeHost } from './node-host.ts'
import type { LiveRun } from './promises.ts'
import { simLease, type SchedulerHost } from './scheduler-host.ts'

/** Clocks of two machines run at slightly different rates, and uptimes are read in hundredths of a second. */
const silentMs = simLease.silentAfterMs * 0.999 - 10

type Around = { scheduler: SchedulerHost; nodes: readonly NodeHost[] }

/** Of the boot id that an agent says. */
export const machineOf = (bootId: string): string => bootId.replace(/-boot-\d+$/, '')

const keyOf = ({ node, task, epoch, run }: Omit<LiveRun, 'of' | 'slots'>): string =>
  `${node} ${task}.${epoch}.${run}`

export class Holders {
  readonly #grid: Around
  /** Node name -> machine. */
  readonly #held = new Map<string, string>()
  readonly #passedOver = new Set<string>()
  /** Machines that this start of the scheduler has told from the holder of their name. */
  readonly #told = new Set<string>()
  #of: SchedulerHost['brain'] = null
  /** What was seen alive on a machine while that was passed over: it may live on when the name is its own again. */
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
    for (const { name, facts, otherBoot } of brain.state.nodes.values()) {
      if (facts === null) continue
      if (otherBoot?.isTwin === true) this.#told.add(machineOf(otherBoot.bootId))
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

  isStray(run: LiveRun): boolean {
    const key = keyOf(run)
    if (this.#passedOver.has(run.node)) this.#strays.add(key)
    return this.#strays.has(key)
  }

  /** One that sleeps is seen to live when it wakes, and may have its name again by then. */
  #passOver(node: string): void {
    this.#passedOver.add(node)
    for (const { plan } of this.#nodeOf(node)?.machine.living() ?? []) {
      const run = parseRunKey(plan.key)
      if (run) this.#strays.add(keyOf({ node, ...run }))
    }
  }

  #nodeOf(name: string): NodeHost | undefined {
    return this.#grid.nodes.find((node) => node.name === name)
  }

  #isAlike(one: string, other: string): boolean {
    const [a, b] = [one, other].map((name) => this.#nodeOf(name))
    // One that is switched off for good was alike when the name went to it.
    if (a === undefined || b === undefined) return true
    const { machineId, hardware } = a.identity
    return machineId === b.identity.machineId && hardware === b.identity.hardware
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
