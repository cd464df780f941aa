/** Questions to nodes: they go down the order stream and come back as a call. */
import type { Answer, Ask } from '../../proto/sync.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { OrderDesk } from './order-desk.ts'

export class AskDesk {
  readonly #clock: Clock
  readonly #orders: OrderDesk
  readonly #hasIdentity: (node: string) => boolean
  readonly #open = new Map<string, { node: string; take: (answer: Answer) => void }>()
  #count = 0

  /** `hasIdentity`: whether a node has one of its own. */
  constructor(clock: Clock, orders: OrderDesk, hasIdentity: (node: string) => boolean) {
    this.#clock = clock
    this.#orders = orders
    this.#hasIdentity = hasIdentity
  }

  /** Null where the node has no stream or does not answer in time. */
  ask(node: string, ask: Ask, timeoutMs: number): Promise<Answer | null> {
    const sink = this.#orders.sinkOf(node)
    if (sink === null) return Promise.resolve(null)
    this.#count += 1
    const id = String(this.#count)
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#open.delete(id)
        resolve(null)
      })
      const take = (answer: Answer) => {
        cancel()
        resolve(answer)
      }
      this.#open.set(id, { node, take })
      sink.send({ kind: 'ask', id, ask })
    })
  }

  /** `by`: only what this node was asked counts; null of whoever has the secret of those without an identity. */
  answered(id: string, answer: Answer, by: string | null): boolean {
    const asked = this.#open.get(id)
    if (asked === undefined) return false
    const speaksForIt = by === null ? !this.#hasIdentity(asked.node) : asked.node === by
    if (!speaksForIt) return false
    this.#open.delete(id)
    asked.take(answer)
    return true
  }
}
