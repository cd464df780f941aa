/** /v1/events: server-sent, resumable, without gap or double: what was missed from the store, then live. */
import type { FastifyInstance } from 'fastify'

import { gridRoutes } from '../../proto/api-grid.ts'
import { iso } from '../../proto/ids.ts'
import type { Caller } from '../brain/call.ts'
import type { BrainDoor, EventRow } from '../brain/door.ts'
import { openOutflow, type Outflow } from './outflow.ts'
import { sendProblem } from './problems.ts'
import { callerOf, type Room } from './room.ts'
import { partsReader } from './route-handler.ts'

const pageRows = 500

export function events(server: FastifyInstance, { door, log, pingMs }: Room): void {
  const read = partsReader(gridRoutes.events)
  server.get(gridRoutes.events.path, async (request, reply) => {
    const found = read(request)
    if (!found.ok) return sendProblem(reply, { code: 'invalid', detail: found.problem })
    const { job = null, since, follow = true } = found.parts.query as Query
    const last = since ?? lastEventId(request.headers['last-event-id'])
    if (last === 'bad') {
      const detail = 'Last-Event-ID is not the id of an event here'
      return sendProblem(reply, { code: 'invalid', detail })
    }
    if (last !== undefined && (await isGone(door, last))) {
      const detail = `event ${last} is no longer kept: what came after it is not complete`
      return sendProblem(reply, {
        code: 'cursor-gone',
        detail,
        hint: 'read the state anew, then follow the events without `since`',
      })
    }
    const out = openOutflow(reply, { type: 'text/event-stream', ping: ':\n\n', pingMs })
    const mayRead = visibleTo(callerOf(request), job)
    const from = last ?? (follow ? door.newestEventId() : 0)
    const told = new EventFeed(door, out, { from, job, follow, mayRead })
    told.start((error) => log.warn({ event: 'event-stream-failed', error: String(error) }))
    return reply
  })
}

type Query = { job?: number; since?: number; follow?: boolean }

/** Who shows something else as its position must not go on as if nothing had been missed. */
function lastEventId(header: string | string[] | undefined): number | undefined | 'bad' {
  if (header === undefined || header === '') return undefined
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : 'bad'
}

/** A position counts while its own event is kept: then nothing after it was dropped. */
async function isGone(door: BrainDoor, id: number): Promise<boolean> {
  if (id === 0) return false
  if (id > door.newestEventId()) return true
  const [event] = await door.eventsAfter(id - 1, 1, null)
  return event?.id !== id
}

/** Users see what befell their own work, and what happens to nodes. */
function visibleTo({ owner, rights }: Caller, job: number | null): (event: EventRow) => boolean {
  return (event) =>
    (job === null || event.job === job) &&
    (rights !== 'user' || event.owner === owner || (event.owner === null && event.job === null))
}

type FeedOptions = {
  from: number
  job: number | null
  follow: boolean
  mayRead: (event: EventRow) => boolean
}

class EventFeed {
  readonly #door: BrainDoor
  readonly #out: Outflow
  readonly #options: FeedOptions
  /** All up to here was told, or was not for this reader. */
  #last: number
  /** Newest that is known to be committed. */
  #heard = 0
  /** Live events go out from memory; a reader who is behind gets them from the store, when he has caught up. */
  #live = false
  #open = true

  constructor(door: BrainDoor, out: Outflow, options: FeedOptions) {
    this.#door = door
    this.#out = out
    this.#options = options
    this.#last = options.from
  }

  start(onFailure: (error: unknown) => void): void {
    const catchUp = () => {
      this.#catchUp().catch((error: unknown) => {
        onFailure(error)
        this.#out.end()
      })
    }
    const stop = this.#door.onEvents((rows) => this.#hear(rows))
    this.#out.onEnd(() => {
      this.#open = false
      stop()
    })
    this.#out.onDrain(catchUp)
    catchUp()
  }

  #hear(rows: readonly EventRow[]): void {
    this.#heard = Math.max(this.#heard, rows.at(-1)?.id ?? 0)
    if (this.#live) this.#live = this.#tell(rows)
  }

  /** False: the reader is behind. */
  #tell(rows: readonly EventRow[]): boolean {
    const fresh = rows.filter((row) => row.id > this.#last)
    this.#last = fresh.at(-1)?.id ?? this.#last
    const text = fresh.filter(this.#options.mayRead).map(frame).join('')
    return text === '' || this.#out.write(text)
  }

  async #catchUp(): Promise<void> {
    while (this.#open && !this.#live) {
      const heard = this.#heard
      const rows = await this.#door.eventsAfter(this.#last, pageRows, this.#options.job)
      // A drain begins this anew.
      if (!this.#tell(rows)) return
      if (rows.length === pageRows) continue
      if (!this.#options.follow) return this.#out.end()
      // What was heard before the query was in its answer, or is of other jobs.
      this.#last = Math.max(this.#last, heard)
      this.#live = this.#heard <= this.#last
    }
  }
}

const frame = (row: EventRow): string =>
  `id: ${row.id}\ndata: ${JSON.stringify({ ...row, at: iso(row.at) })}\n\n`
