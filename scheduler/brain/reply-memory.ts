/** Idempotency keys and access tokens that are known: bounded per owner, the oldest forgotten first. */
import type { ReplyRow, Snapshot, TokenRow } from '../store/change.ts'
import type { Journal } from './journal.ts'

const keysPerOwner = 10_000
/** As long as the store keeps the replies themselves. */
const keysKeptMs = 86_400_000

/** Whole seconds: small enough a number to need no object of its own. */
const secondOf = (at: number): number => Math.floor(at / 1000)

export class ReplyMemory {
  readonly #journal: Journal | null
  readonly #now: () => number
  /** Owner and key -> the second of the reply; what it was and for which request the store knows. */
  readonly #replies = new Map<string, Map<string, number>>()
  readonly #tokens = new Map<string, { owner: string; expiresAt: number }>()

  /** Without a journal all is kept for this start only. */
  constructor(journal: Journal | null, snapshot: Snapshot, now: () => number) {
    this.#journal = journal
    this.#now = now
    for (const row of snapshot.replies) this.#remember(row)
    for (const { hash, owner, expiresAt } of snapshot.tokens)
      this.#tokens.set(hash, { owner, expiresAt })
  }

  record(row: ReplyRow): void {
    this.#remember(row)
    this.#journal?.change({ put: 'reply', row })
  }

  known(owner: string, key: string): boolean {
    const second = this.#replies.get(owner)?.get(key)
    return second !== undefined && second > secondOf(this.#now() - keysKeptMs)
  }

  recordToken(row: TokenRow): void {
    // All live equally long: the oldest come first.
    for (const [hash, { expiresAt }] of this.#tokens) {
      if (expiresAt > this.#now()) break
      this.#tokens.delete(hash)
    }
    this.#tokens.set(row.hash, { owner: row.owner, expiresAt: row.expiresAt })
    this.#journal?.change({ put: 'token', row })
  }

  tokenOwner(hash: string): { owner: string; expiresAt: number } | null {
    return this.#tokens.get(hash) ?? null
  }

  #remember({ owner, key, at }: Omit<ReplyRow, 'replyJson'>): void {
    const keys = this.#replies.get(owner) ?? new Map<string, number>()
    this.#replies.set(owner, keys)
    keys.set(key, secondOf(at))
    const [oldest] = keys.keys()
    if (keys.size > keysPerOwner && oldest !== undefined) keys.delete(oldest)
  }
}
