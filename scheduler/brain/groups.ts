/** Who is in the unix groups that quotas and queues speak of: the machine is asked now and then. */
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
    this.#arm(0)
  }

  stop(): void {
    this.#timer?.()
    this.#timer = null
  }

  #arm(delayMs: number): void {
    this.#timer = this.#ctx.clock.after(delayMs, () => {
      void this.#look().then(() => {
        if (this.#timer) this.#arm(everyMs)
      })
    })
  }

  async #look(): Promise<void> {
    const { quotas, settings, log } = this.#ctx
    for (const name of this.#named()) {
      try {
        quotas.members.set(name, new Set(await settings.groupMembers(name)))
      } catch (error) {
        // Who was a member stays one until the directory answers again.
        log.warn({ event: 'group-unknown', detail: name, error: String(error) })
      }
    }
  }

  #named(): Set<string> {
    const { quotas, state } = this.#ctx
    const names = [...state.queues.values()].flatMap(({ groups }) => groups)
    for (const subject of quotas.rules.keys()) {
      const { kind, name } = subjectOf(subject)
      if (kind === 'group' && name !== null) names.push(name)
    }
    return new Set(names)
  }
}
