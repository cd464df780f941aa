/** How the HTTP room calls the brain: one synchronous command, or a read that may look into history. */
import type { RouteName, routes } from '../../proto/api.ts'
import type { Refusal } from '../../proto/errors.ts'
import type { Rights } from '../../proto/rights.ts'
import type { Body, Params, Query, Reply } from '../../proto/route.ts'
import { refuse, type Refused, type Result } from '../core/result.ts'

export type { Result } from '../core/result.ts'
export { done, refuse } from '../core/result.ts'

/** Who calls, as proven by the HTTP room; `from` is the address, for the audit trail. */
export type Caller = {
  owner: string
  rights: Rights
  from: string
  /** Shows a token that opens only what is its owner's own. */
  ownOnly?: boolean
  /** Unix groups, for what owners share with them. */
  groups?: readonly string[]
}

/** For tokens that do not go that far. */
export const notOwn = (owner: string): Refusal => ({
  code: 'forbidden',
  detail: `this token shows only what belongs to ${owner}`,
  hint: 'make another with `eg token create --scope operate`, or do it as yourself',
})

export const noPage = (page: string): Refused =>
  refuse('invalid', `"${page}" is not a page of this list`)

export type Call<N extends RouteName> = {
  caller: Caller
  params: Params<(typeof routes)[N]>
  query: Query<(typeof routes)[N]>
  body: Body<(typeof routes)[N]>
}

/** Routes that the HTTP room answers by itself. */
export type OwnRoutes =
  | 'orders'
  | 'answer'
  | 'joinNode'
  | 'grid'
  | 'whoAmI'
  | 'login'
  | 'prove'
  | 'events'
  | 'healthz'
  | 'readyz'
  | 'metrics'

/** One handler for each other route. A change answers at once, a read may wait for the store. */
export type Handlers = {
  [N in Exclude<RouteName, OwnRoutes>]: (
    call: Call<N>,
  ) => Result<Reply<(typeof routes)[N]>> | Promise<Result<Reply<(typeof routes)[N]>>>
}
