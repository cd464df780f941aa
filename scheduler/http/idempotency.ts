/**
 * One request, one change: a request sent again under its key gets the first one's reply. A second in flight
 * joins the first; another request under the key is refused.
 */
import { createHash } from 'node:crypto'

import type { Refusal } from '../../proto/errors.ts'
import { refuse } from '../brain/call.ts'
import type { BrainDoor } from '../brain/door.ts'

/** What goes over the wire for a change. */
export type Sent = { ok: true; status: number; text: string } | { ok: false; refusal: Refusal }
export type Replayable = { sent: Sent; replayed: boolean }
export type KeyedRequest = { owner: string; key: string; route: string; hash: string }

export const longestKey = 255

/** Equal for equal requests, whatever the spacing of their JSON was. */
export const requestHash = (...parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')

export class Replies {
  readonly #door: BrainDoor
  readonly #now: () => number
  readonly #inFlight = new Map<string, KeyedRequest & { sent: Promise<Sent> }>()

  constructor(door: BrainDoor, now: () => number) {
    this.#door = door
    this.#now = now
  }

  /** `run` makes the change; `record` in it, in the same turn, binds the reply to it. */
  async once(
    request: KeyedRequest,
    run: (record: (text: string) => void) => Promise<Sent>,
  ): Promise<Replayable> {
    const { owner, key, route, hash } = request
    const place = `${owner}\n${key}`
    const joined = this.#inFlight.get(place)
    if (joined !== undefined && !isSame(joined, request)) {
      await this.#door.settled()
      return { sent: keyReused(key), replayed: false }
    }
    if (joined !== undefined || this.#door.knownReply(owner, key)) {
      const sent = await (joined?.sent ?? this.#stored(request))
      return { sent, replayed: sent.ok }
    }
    const sent = run((text) => {
      const at = this.#now()
      this.#door.recordReply({ owner, key, route, hash, status: 200, replyJson: text, at })
    })
    this.#inFlight.set(place, { ...request, sent })
    try {
      return { sent: await sent, replayed: false }
    } finally {
      this.#inFlight.delete(place)
    }
  }

  async #stored(request: KeyedRequest): Promise<Sent> {
    const { owner, key } = request
    await this.#door.settled()
    const row = await this.#door.storedReply(owner, key)
    if (row !== null && !isSame(row, request)) return keyReused(key)
    if (row !== null) return { ok: true, status: row.status, text: row.replyJson }
    return refuse(
      'unavailable',
      'the reply to this request is no longer kept',
      'it was done: look at what it did',
    )
  }
}

type About = Pick<KeyedRequest, 'route' | 'hash'>
const isSame = (one: About, other: About): boolean =>
  one.route === other.route && one.hash === other.hash

const keyReused = (key: string): Sent =>
  refuse(
    'key-reused',
    `the key ${key} already stands for another request of yours`,
    'take a new key for each new request',
  )
