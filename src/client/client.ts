/** The typed client: one `call` for every route of proto/api, with proof, retries and idempotency inside. */
import type http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

import type { RouteName, routes } from '../../proto/api.ts'
import type { Body, Params, Query, Reply } from '../../proto/route.ts'
import { defaultUrl, usualUrl } from '../lib/endpoint.ts'
import { ClientError, refusalOf, unreachable } from './client-error.ts'
import { aboutToken, bearerFor, forgetBearer } from './credentials.ts'
import { openExchange, textOf } from './exchange.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { provenAgent } from './prove-scheduler.ts'
import { wireTable } from './wire-table.ts'

type Part<K extends string, T> = object extends T ? { [k in K]?: T } : { [k in K]: T }
/** What a route takes; a part that may be empty may be left out. */
export type Input<N extends RouteName> = Part<'params', Params<(typeof routes)[N]>> &
  Part<'query', Query<(typeof routes)[N]>> &
  Part<'body', Body<(typeof routes)[N]>>
export type ReplyOf<N extends RouteName> = Reply<(typeof routes)[N]>

export type CallOptions = {
  /** How long a scheduler that does not answer is tried again: it may just be starting anew. */
  patienceMs?: number | undefined
  signal?: AbortSignal | undefined
}
export type ClientOptions = {
  /** Default: `$EVERGRID_URL`, else port 6444 of this machine, by https where the scheduler there speaks TLS. */
  url?: string | undefined
  /** Talk to a scheduler off this machine without TLS: others on the way can read and change everything. */
  insecureNetwork?: boolean | undefined
  patienceMs?: number | undefined
  /** Told once per call when the scheduler does not answer and is tried again. */
  onRetry?: ((error: ClientError) => void) | undefined
}
export type Client = {
  readonly url: string
  /** Calls a route by its name in proto/api; throws ClientError. */
  call<N extends RouteName>(
    name: N,
    ...rest: object extends Input<N>
      ? [input?: Input<N>, options?: CallOptions]
      : [input: Input<N>, options?: CallOptions]
  ): Promise<ReplyOf<N>>
  /** Like `call`, for a route that streams: the open reply. */
  open<N extends RouteName>(
    name: N,
    input: Input<N>,
    options?: CallOptions & { headers?: Record<string, string> },
  ): Promise<http.IncomingMessage>
  close(): void
}

/** Long enough for a scheduler to be stopped and started with a large queue. */
const changePatienceMs = 10_000
/** A question is told soon that nobody answers, but lives through the usual restart of a scheduler. */
const readPatienceMs = 5_000
/** Longer than any long poll of the API. */
const silenceMs = 90_000
/** A connection that closed before it was proven may be a restart; a stranger on the port stays one. */
const notProvenPatienceMs = 1_000

type Loose = { params?: object; query?: object; body?: object }
type Options = CallOptions & { headers?: Record<string, string> }

export function openClient(options: ClientOptions = {}): Client {
  const url = (options.url ?? (process.env['EVERGRID_URL'] || usualUrl())).replace(/\/+$/, '')
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new ClientError(
      'invalid',
      `"${url}" is not the URL of a scheduler`,
      `write ${defaultUrl}`,
    )
  }
  const agent = provenAgent(url, { insecureNetwork: options.insecureNetwork })
  const taken = async <T>(name: RouteName, input: Loose, each: Options, take: Take<T>) =>
    persist(url, { ...options, ...each }, await requestOf(name, input, each), { agent, take })
  return {
    url,
    open: (name, input, each = {}) => taken(name, input, each, (reply) => reply),
    async call(name, ...[input, each]) {
      const text = await taken(name, input ?? {}, each ?? {}, textOf)
      return (wireTable[name][2] === 'text' ? text : parsed(text, url)) as never
    },
    close: () => agent.destroy(),
  }
}

/** What is wanted of a reply; while it is taken the connection may still be lost. */
type Take<T> = (reply: http.IncomingMessage) => T | Promise<T>
type Way<T> = { agent: http.Agent; take: Take<T> }

function parsed(text: string, url: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    throw refusalOf(200, text, url)
  }
}

type Request = {
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
  proof: boolean
}

/** Routes that anybody may call: no secret is shown there. */
const open = new Set<RouteName>(['grid', 'login', 'prove', 'healthz', 'readyz', 'metrics'])

async function requestOf(name: RouteName, input: Loose, options: Options): Promise<Request> {
  const [method, template] = wireTable[name]
  const params = (input.params ?? {}) as Record<string, string>
  const path = template.replace(/:(\w+)/g, (_, key: string) =>
    encodeURIComponent(params[key] ?? ''),
  )
  const query = new URLSearchParams(
    Object.entries(input.query ?? {})
      .filter(([, value]) => value !== undefined)
      .map(([key, value]): [string, string] => [key, String(value)]),
  ).toString()
  const changes = method !== 'GET'
  return {
    method,
    path: query === '' ? path : `${path}?${query}`,
    // Made once per call and kept over its retries: the scheduler does it once.
    headers: {
      ...options.headers,
      ...(changes ? { 'idempotency-key': await idempotencyKey() } : {}),
    },
    body: changes ? JSON.stringify(input.body ?? {}) : undefined,
    proof: !open.has(name),
  }
}

/** Tries until answered, refused, or out of patience. */
async function persist<T>(
  url: string,
  options: ClientOptions & CallOptions,
  request: Request,
  way: Way<T>,
): Promise<T> {
  const patienceMs =
    options.patienceMs ?? (request.method === 'GET' ? readPatienceMs : changePatienceMs)
  const end = performance.now() + patienceMs
  const start = performance.now()
  let told = false
  let renewed = false
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
    const tried = await once(url, request, way, options.signal)
    if (!(tried instanceof ClientError)) return tried
    options.signal?.throwIfAborted()
    if (tried.code === 'unauthenticated' && !renewed && request.proof && !isNotKnown(tried)) {
      renewed = true
      forgetBearer(url)
      continue
    }
    const limit = isNotProven(tried) ? Math.min(end, start + notProvenPatienceMs) : end
    if (!isPassing(tried) || performance.now() + pauseMs > limit) throw aboutToken(tried)
    if (!told && performance.now() - start > 1_000) {
      told = true
      options.onRetry?.(tried)
    }
    await delay(pauseMs, undefined, options.signal ? { signal: options.signal } : undefined)
  }
}

const passing: ReadonlySet<string> = new Set(['unreachable', 'unavailable', 'too-many-requests'])
const isPassing = (error: ClientError) => passing.has(error.code)
const causeCode = (error: ClientError) => (error.cause as NodeJS.ErrnoException | undefined)?.code
const isNotProven = (error: ClientError) => causeCode(error) === 'EVERGRID_NOT_PROVEN'
const isNotKnown = (error: ClientError) => causeCode(error) === 'EVERGRID_NOT_KNOWN'

async function once<T>(
  url: string,
  request: Request,
  { agent, take }: Way<T>,
  signal: AbortSignal | undefined,
): Promise<T | ClientError> {
  try {
    const proof = request.proof ? { authorization: `Bearer ${await bearerFor(url, agent)}` } : {}
    const reply = await openExchange({
      url: new URL(url + request.path),
      method: request.method,
      agent,
      headers: { ...request.headers, ...proof },
      body: request.body,
      signal,
      silenceMs,
    })
    const status = reply.statusCode ?? 0
    return status < 300 ? await take(reply) : refusalOf(status, await textOf(reply), url)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ClientError) return error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EVERGRID_NOT_KNOWN') {
      return new ClientError('unauthenticated', message, null, error)
    }
    return unreachable(url, error)
  }
}
