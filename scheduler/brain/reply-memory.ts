/** Idempotency keys and access tokens that are known: bounded per owner, the oldest forgotten first. */
import type { ReplyRow, Snapshot, TokenRow } from '../store/change.ts'
import type { Journal } from './journal.ts'

const keysPerOwner = 10_000

export class ReplyMemory {
  readonly #journal: Journal | null
  readonly #replies = new Map<string, Map<string, { route: string; hash: string }>>()
  readonly #tokens = new Map<string, { owner: string; expiresAt: number }>()

  /** Without a journal all is kept for this start only. */
  constructor(journal: Journal | null, snapshot: Snapshot) {
    this.#journal = journal
    for (const row of snapshot.replies) this.#remember(row)
    for (const { hash, owner, expiresAt } of snapshot.tokens)
      this.#tokens.set(hash, { owner, expiresAt })
  }

  record(row: ReplyRow): void {
    this.#remember(row)
    this.#journal?.change({ put: 'reply', row })
  }

  known(owner: string, key: string): { route: string; hash: string } | null {
    return this.#replies.get(owner)?.get(key) ?? null
  }

  recordToken(row: TokenRow): void {
    this.#tokens.set(row.hash, { owner: row.owner, expiresAt: row.expiresAt })
    this.#journal?.change({ put: 'token', row })
  }

  tokenOwner(hash: string): { owner: string; expiresAt: number } | null {
    return this.#tokens.get(hash) ?? null
  }

  #remember({ owner, key, route, hash }: Omit<ReplyRow, 'replyJson'>): void {
    const keys = this.#replies.get(owner) ?? new Map<string, { route: string; hash: string }>()
    this.#replies.set(owner, keys)
    keys.set(key, { route, hash })
    const [oldest] = keys.keys()
    if (keys.size > keysPerOwner && oldest !== undefined) keys.delete(oldest)
  }
}
