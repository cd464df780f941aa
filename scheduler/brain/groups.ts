/** Who is in the unix groups that quotas, queues and shares speak of: the machine is asked now and then. */
import type { Cancel } from '../../src/lib/clock.ts'
import { subjectOf } from '../core/quota.ts'
import type { BrainContext } from './context.ts'

const everyMs = 60_000

export class GroupWatch {
  readonly #ctx: BrainContext
  #timer: Cancel | null = null

  constructor(ctx: BrainContext) {
    this.#ctx = ctx
  }

  start(): void {
    this.#arm()
  }

  stop(): void {
    this.#timer?.()
    this.#timer = null
  }

  #arm(): void {
    this.#timer = this.#ctx.clock.after(everyMs, () => {
      void this.look().then(() => {
        if (this.#timer) this.#arm()
      })
    })
  }

  /** Once before anything is decided: a firing that a queue refused for want of knowledge would be lost. */
  async look(): Promise<void> {
    const { quotas, settings, log } = this.#ctx
    const lookUp = async (name: string) => {
      try {
        quotas.members.set(name, new Set(await settings.groupMembers(name)))
      } catch (error) {
        // Who was a member stays one until the directory answers again.
        log.warn({ event: 'group-unknown', detail: name, error: String(error) })
      }
    }
    await Promise.all([...this.#named()].map(lookUp))
  }

  #named(): Set<string> {
    const { quotas, state } = this.#ctx
    const names = [...state.queues.values()].flatMap(({ groups }) => groups)
    names.push(...state.shares.tree.weights.groups.keys())
    for (const subject of quotas.rules.keys()) {
      const { kind, name } = subjectOf(subject)
      if (kind === 'group' && name !== null) names.push(name)
    }
    return new Set(names)
  }
}
