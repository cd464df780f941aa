/** What a client shows to a scheduler: the grid's secret where it can be read, else a token won by proof. */
import type http from 'node:http'

import { ClientError } from './client-error.ts'
import { userSecrets } from './secrets.ts'
import { dropToken, keepToken, keptToken } from './token-file.ts'

export { findNodeSecret } from './secrets.ts'

/** Per scheduler: what was handed out last, and what turned out to open nothing. */
const shown = new Map<string, string>()
const rejected = new Map<string, Set<string>>()

/** The bearer for the scheduler at `url`; `$EVERGRID_TOKEN` before all else, and nothing besides it. Asks it for a token only where nothing better is at hand. */
export async function bearerFor(url: string, agent: http.Agent): Promise<string> {
  const ofProgram = process.env['EVERGRID_TOKEN']
  if (ofProgram) return ofProgram
  const useless = rejected.get(url)
  const known = shown.get(url) ?? userSecrets(url).find((secret) => !useless?.has(secret))
  const bearer = known ?? keptToken(url) ?? (await newToken(url, agent))
  shown.set(url, bearer)
  return bearer
}

/** To be called on 401: the next bearer is another one. */
export function forgetBearer(url: string): void {
  if (process.env['EVERGRID_TOKEN']) return
  const last = shown.get(url)
  shown.delete(url)
  if (last !== undefined) rejected.set(url, (rejected.get(url) ?? new Set()).add(last))
  dropToken(url)
}

/** Of a token that was not taken: with the variable set nothing else is shown, so no proof would help. */
export function aboutToken(error: ClientError): ClientError {
  if (error.code !== 'unauthenticated' || !process.env['EVERGRID_TOKEN']) return error
  const hint =
    'the token is that of EVERGRID_TOKEN: make another with `eg token create`, or unset the variable'
  return new ClientError(error.code, error.detail, hint, error.cause)
}

async function newToken(url: string, agent: http.Agent): Promise<string> {
  const { logIn } = await import('./log-in.ts')
  const { token, expiresAt } = await logIn(url, agent)
  keepToken(url, { token, expiresAt })
  return token
}
