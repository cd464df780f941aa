/** Challenges that were given out and not yet used: each for one account, one connection, one try, half a minute. */
import { randomBytes } from 'node:crypto'

import type { LoginWay } from '../../../proto/login.ts'
import type { Account } from '../../../src/lib/accounts.ts'

/** `socket` stands for the connection that asked. */
type For = { account: Account; way: LoginWay; socket: object; asker: string }
export type Challenge = For & { nonce: string; expiresAt: number }

const challengeMs = 30_000
/** Per asking account, as the kernel tells it; the whole is bounded by the machine's accounts. */
const mostWaiting = 32
const perSecond = 2
const burst = 20

export class Challenges {
  readonly #waiting = new Map<string, Challenge>()
  readonly #allowance = new Map<string, { left: number; at: number }>()

  /** False: too many logins of this asker. */
  mayAsk(asker: string, now: number): boolean {
    this.#expire(now)
    const waiting = [...this.#waiting.values()].filter((one) => one.asker === asker).length
    const before = this.#allowance.get(asker) ?? { left: burst, at: now }
    // Where the clock was set back meanwhile, nothing has come in: and from now on it does again.
    const since = Math.max(0, now - before.at)
    const left = Math.min(burst, before.left + (since / 1000) * perSecond)
    const may = left >= 1 && waiting < mostWaiting
    this.#allowance.set(asker, { left: may ? left - 1 : left, at: now })
    return may
  }

  give(of: For, now: number): { id: string; nonce: string } {
    const id = randomBytes(16).toString('hex')
    const nonce = randomBytes(32).toString('hex')
    this.#waiting.set(id, { ...of, nonce, expiresAt: now + challengeMs })
    return { id, nonce }
  }

  /** Only on the connection that asked, and once: a wrong connection does not use it up. */
  take(id: string, socket: object, now: number): Challenge | null {
    this.#expire(now)
    const found = this.#waiting.get(id)
    if (found === undefined || found.socket !== socket) return null
    this.#waiting.delete(id)
    return found
  }

  wayOf(id: string): LoginWay | undefined {
    return this.#waiting.get(id)?.way
  }

  isWaiting(id: string): boolean {
    return this.#waiting.has(id)
  }

  #expire(now: number): void {
    for (const [id, { expiresAt }] of this.#waiting) if (expiresAt <= now) this.#waiting.delete(id)
    const full = now - (burst / perSecond) * 1000
    for (const [asker, { at }] of this.#allowance) if (at < full) this.#allowance.delete(asker)
  }
}
