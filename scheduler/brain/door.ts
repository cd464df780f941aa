/** What the HTTP room sees of the brain, and no more. */
import type { RouteName } from '../../proto/api.ts'
import type { Refusal } from '../../proto/errors.ts'
import type { Role } from '../../proto/rights.ts'
import type { Answer, Ask, OrderLine } from '../../proto/sync.ts'
import type { WhoCould } from '../core/identity/who-could.ts'
import type {
  ApiTokenRow,
  EventRow,
  JoinTokenRow,
  NodeKeyRow,
  ReplyRow,
  TokenRow,
} from '../store/change.ts'
import type { Handlers, Result } from './call.ts'
import type { Join } from './node-identity.ts'

export type { EventRow } from '../store/change.ts'

/** A node's order stream, as the brain sees it: lines go out in order, after their commit. */
export type OrderSink = {
  /** The start of the exec-node that opened it; an older exec-node does not say. */
  session?: string | null
  send(line: OrderLine): void
  close(): void
}

export type BrainDoor = {
  readonly handlers: Handlers
  readonly grid: string
  readonly version: string
  /** Resolves when everything that was decided up to now is on disk; rejects when it cannot be. */
  settled(): Promise<void>
  /** Null while all changes are taken (or this route's); else why not, for people. */
  readOnlyBecause(route?: RouteName): string | null
  /** Counts a request of this owner; null, or why it has to come again later. */
  admit(owner: string): { refusal: Refusal; retryAfterMs: number } | null
  /** Begins a node's order stream with a full line; the returned call ends it. */
  attachOrders(node: string, sink: OrderSink): () => void
  /** Asks a node through its order stream; resolves with its answer, or null after the timeout. */
  ask(node: string, ask: Ask, timeoutMs: number): Promise<Answer | null>
  /** `node`: which alone may answer what it was asked; null of one that shows the secret of those without an identity. */
  answered(id: string, answer: Answer, node?: string | null): boolean
  /** Committed events, as they happen; the returned call ends it. */
  onEvents(listener: (events: readonly EventRow[]) => void): () => void
  eventsAfter(id: number, limit: number, job: number | null): Promise<EventRow[]>
  newestEventId(): number
  /** Idempotency: recorded in the same commit as the change it belongs to (call in the same turn). */
  recordReply(row: ReplyRow): void
  knownReply(owner: string, key: string): boolean
  storedReply(owner: string, key: string): Promise<ReplyRow | null>
  /** Access tokens, by hash. */
  recordToken(row: TokenRow): void
  tokenOwner(hash: string): { owner: string; expiresAt: number } | null
  /** A token for a program, by its number. */
  apiToken(id: number): ApiTokenRow | null
  /** What lets a node join, by its number. */
  joinToken(id: number): JoinTokenRow | null
  joinNode(join: Join): Result<{ node: string; grid: string }>
  /** What a node that has an identity of its own shows. */
  nodeKey(node: string): NodeKeyRow | null
  /** The newest secret of a node was shown. */
  newKeyShown(node: string): void
  /** What was granted to the account by a manager. */
  roleOf(owner: string): Role | null
  /** Whether any owner lets members of a unix group in. */
  readonly isShared: boolean
  /** For refusals. */
  whoCould(): WhoCould
  /** Numbers for /metrics: name, labels, value. */
  gauges(): { name: string; help: string; labels: Record<string, string>; value: number }[]
}
