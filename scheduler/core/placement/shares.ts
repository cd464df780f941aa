/** Fair share: what each owner holds now. Who holds fewest slots goes first. */
import type { Shape } from './shape.ts'

export type Held = { readonly slots: number; readonly memBytes: number }
type Asked = Pick<Shape, 'owner' | 'slots' | 'memBytes'>

const nothing: Held = { slots: 0, memBytes: 0 }

export class Shares {
  readonly #held = new Map<string, { slots: number; memBytes: number }>()

  /** What owners are ordered by. */
  of(owner: string): number {
    return this.held(owner).slots
  }

  held(owner: string): Held {
    return this.#held.get(owner) ?? nothing
  }

  take({ owner, slots, memBytes }: Asked, count = 1): void {
    let held = this.#held.get(owner)
    if (held === undefined) {
      held = { slots: 0, memBytes: 0 }
      this.#held.set(owner, held)
    }
    held.slots += slots * count
    held.memBytes += memBytes * count
  }

  give({ owner, slots, memBytes }: Asked, count = 1): void {
    const held = this.#held.get(owner)
    if (held === undefined) return
    held.slots -= slots * count
    held.memBytes -= memBytes * count
    if (held.slots <= 0) this.#held.delete(owner)
  }
}
