/** Fair share: the slots that each owner holds now. Who holds least goes first. */

export class Shares {
  readonly #slots = new Map<string, number>()

  of(owner: string): number {
    return this.#slots.get(owner) ?? 0
  }

  take(owner: string, slots: number): void {
    this.#slots.set(owner, this.of(owner) + slots)
  }

  give(owner: string, slots: number): void {
    const left = this.of(owner) - slots
    if (left > 0) this.#slots.set(owner, left)
    else this.#slots.delete(owner)
  }
}
