/** The event stream of the grid, read over reconnections without a gap. */
import type http from 'node:http'

import type { Static } from 'typebox'

import type { GridEvent as GridEventSchema } from '../../proto/api-grid.ts'
import type { CallOptions, Client } from './client.ts'

export type GridEvent = Static<typeof GridEventSchema>
export type EventOptions = CallOptions & {
  /** Only events after this id; default: those from now on. */
  since?: number
  job?: number
  /** Go on with live events; without it the iteration ends with the newest. */
  follow?: boolean
}

/** Yields events in order; a lost connection is taken up again after the last one seen. */
export async function* events(
  client: Client,
  options: EventOptions = {},
): AsyncGenerator<GridEvent, void, undefined> {
  let last = options.since
  for (;;) {
    const query = {
      ...(last === undefined ? {} : { since: last }),
      ...(options.job === undefined ? {} : { job: options.job }),
      follow: options.follow === true,
    }
    const headers: Record<string, string> = last === undefined ? {} : { 'last-event-id': `${last}` }
    const reply = await client.open('events', { query }, { ...options, headers })
    try {
      for await (const data of serverSent(reply)) {
        const event = JSON.parse(data) as GridEvent
        // A reconnection may repeat what was seen.
        if (last !== undefined && event.id <= last) continue
        last = event.id
        yield event
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      if (error instanceof SyntaxError) throw error
    } finally {
      reply.destroy()
    }
    if (options.follow !== true) return
  }
}

/** The data of each message of a server-sent stream. */
export async function* serverSent(
  stream: http.IncomingMessage | AsyncIterable<Buffer>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  let data: string[] = []
  for await (const part of stream) {
    const lines = (rest + decoder.decode(part as Buffer, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines.map((line) => line.replace(/\r$/, ''))) {
      if (line === '' && data.length > 0) {
        yield data.join('\n')
        data = []
      } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    }
  }
}
