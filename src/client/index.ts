/**
 * Evergrid's client library.
 *
 * ```js
 * import { openClient } from 'evergrid'
 * const client = openClient()
 * const { job } = await client.call('submitJob', { body: { command: ['./bot'], cwd: '/home/me' } })
 * ```
 *
 * Every route of the HTTP API is a name for `client.call`, with its parameters and reply typed. A call that changes
 * something carries an idempotency key and is tried again while the scheduler restarts, so it is done once.
 */
export {
  openClient,
  type CallOptions,
  type Client,
  type ClientOptions,
  type Input,
  type ReplyOf,
} from './client.ts'
export { ClientError } from './client-error.ts'
export { events, type EventOptions, type GridEvent } from './events.ts'
export { readLog, type LogOptions, type LogPiece } from './log-reader.ts'
export type { RouteName } from '../../proto/api.ts'
