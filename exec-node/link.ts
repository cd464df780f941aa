/** The exchange over HTTP. Every connection is proven by the agent given, before anything secret is sent. */
import http from 'node:http'

import type { Problem } from '../proto/errors.ts'
import type { OrderLine, ReportReply } from '../proto/sync.ts'
import { noCancel, type Cancel, type Clock } from '../src/lib/clock.ts'
import { words } from './act.ts'
import type { OrderHandlers, ReportOutcome, SchedulerLink } from './ports.ts'

export type LinkOptions = {
  url: string
  node: string
  /** This start of the agent, as its reports say. */
  session: string
  /** Asked for each request: the scheduler may have got another one. */
  secret: () => string
  /** The secret was not taken. */
  onUnknown?: () => void
  agent: http.Agent
  clock: Clock
  timeoutMs: number
  /** A stream without a line for so long is dead: the scheduler says `ping` more often. */
  silentMs: number
  /** The Date header of each reply, as soon as it is there. */
  onDate?: (date: string | undefined) => void
}
export const linkDefaults = { timeoutMs: 7_000, silentMs: 30_000 }

const maxReplyBytes = 64 * 2 ** 20
const maxLineBytes = 256 * 2 ** 20

type Reply = { status: number; text: string }

export function openLink(options: LinkOptions): SchedulerLink {
  return {
    report: (report) =>
      post(options, '/v1/node/report', report).then(
        (reply) => {
          if (reply.status === 401) options.onUnknown?.()
          return outcomeOf(reply)
        },
        (error: unknown) => failure(error),
      ),
    orders: (handlers) => stream(options, handlers),
    async answer(id, answer) {
      const path = `/v1/node/answers/${encodeURIComponent(id)}`
      const { status } = await post(options, path, answer)
      if (status >= 300) throw new Error(`the scheduler did not take the answer: ${status}`)
    },
  }
}

function outcomeOf({ status, text }: Reply): ReportOutcome {
  try {
    const body: unknown = JSON.parse(text)
    if (status === 200) return { kind: 'answered', reply: body as ReportReply }
    const { code, detail, hint } = body as Problem
    if (status === 503 && code === 'read-only') return { kind: 'judges-nobody', detail }
    if (status >= 400 && status < 500 && typeof code === 'string') {
      return { kind: 'rejected', refusal: { code, detail, ...(hint && { hint }) } }
    }
    return { kind: 'failed', detail: `${status} ${detail}` }
  } catch {
    return { kind: 'failed', detail: `status ${status} without a reply that can be read` }
  }
}

/** Only a refusal by the host itself proves that nobody listens; a proof that failed is no such thing. */
function failure(error: unknown): ReportOutcome {
  // A name with several addresses: each of them must have refused.
  const tried = error instanceof AggregateError ? (error.errors as unknown[]) : [error]
  if (tried.every((one) => (one as NodeJS.ErrnoException).code === 'ECONNREFUSED'))
    return { kind: 'refused-connection' }
  return { kind: 'failed', detail: words(error) }
}

function request(options: LinkOptions, method: string, path: string): http.ClientRequest {
  return http.request(new URL(path, options.url), {
    method,
    agent: options.agent,
    headers: { authorization: `Bearer ${options.secret()}`, 'content-type': 'application/json' },
  })
}

function post(options: LinkOptions, path: string, body: unknown): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = request(options, 'POST', path)
    const cancel = options.clock.after(options.timeoutMs, () => {
      call.destroy(new Error('no answer in time'))
    })
    const fail = (error: Error) => {
      cancel()
      reject(error)
    }
    call.on('error', fail)
    call.on('response', (response) => {
      options.onDate?.(response.headers.date)
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > maxReplyBytes) call.destroy(new Error('the reply is too large'))
        else parts.push(part)
      })
      response.on('error', fail)
      response.on('end', () => {
        cancel()
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') })
      })
    })
    call.end(JSON.stringify(body))
  })
}

function stream(options: LinkOptions, handlers: OrderHandlers): { close(): void } {
  const { node, session } = options
  const query = new URLSearchParams({ node, session })
  const call = request(options, 'GET', `/v1/node/orders?${query.toString()}`)
  let over = false
  let cancel: Cancel = noCancel
  const end = (reason: string) => {
    if (over) return
    over = true
    cancel()
    call.destroy()
    handlers.closed(reason)
  }
  const heard = () => {
    cancel()
    cancel = options.clock.after(options.silentMs, () => end('the stream fell silent'))
  }
  heard()
  call.on('error', (error) => end(words(error)))
  call.on('response', (response) => {
    if (response.statusCode !== 200) {
      response.resume()
      return end(`status ${response.statusCode}`)
    }
    const split = lineSplitter((line) => handlers.line(JSON.parse(line) as OrderLine))
    response.on('data', (part: Buffer) => {
      if (over) return
      heard()
      try {
        split(part)
      } catch (error) {
        end(words(error))
      }
    })
    response.on('error', (error) => end(words(error)))
    response.on('end', () => end('the scheduler ended the stream'))
  })
  call.end()
  return {
    close() {
      over = true
      cancel()
      call.destroy()
    },
  }
}

/** Whole lines out of a byte stream; an endless line is an error, not a way to fill the memory. */
export function lineSplitter(take: (line: string) => void): (part: Buffer) => void {
  let parts: Buffer[] = []
  let bytes = 0
  return (part) => {
    let from = 0
    for (let at = part.indexOf(10); at >= 0; at = part.indexOf(10, from)) {
      parts.push(part.subarray(from, at))
      const line = Buffer.concat(parts).toString('utf8')
      parts = []
      bytes = 0
      from = at + 1
      if (line !== '') take(line)
    }
    const rest = part.subarray(from)
    bytes += rest.length
    if (bytes > maxLineBytes) throw new Error('a line of the order stream is too long')
    if (rest.length > 0) parts.push(rest)
  }
}
