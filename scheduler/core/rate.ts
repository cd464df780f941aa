/** How often each owner has asked of late: a bucket of a minute's requests, filled evenly. */

const minuteMs = 60_000
/** More owners than this at once: those with full buckets are forgotten. */
const bucketsMax = 10_000

/** Requests are forgotten in fractions, which do not add up exactly. */
const rounding = 1e-6

type Bucket = { taken: number; at: number }

export class RequestRates {
  readonly #buckets = new Map<string, Bucket>()

  /** Counts one request; null, or after how many ms it may come again. */
  take(owner: string, perMinute: number | null, now: number): number | null {
    if (perMinute === null) return null
    const taken = this.taken(owner, perMinute, now)
    if (taken + 1 > perMinute + rounding) {
      const missing = taken + 1 - perMinute
      return perMinute === 0 ? minuteMs : Math.ceil((missing * minuteMs) / perMinute - rounding)
    }
    if (this.#buckets.size >= bucketsMax) this.#forget(perMinute, now)
    this.#buckets.set(owner, { taken: taken + 1, at: now })
    return null
  }

  /** Requests that count now; they are forgotten as fast as new ones are allowed. */
  taken(owner: string, perMinute: number | null, now: number): number {
    const bucket = this.#buckets.get(owner)
    if (bucket === undefined || perMinute === null) return 0
    return Math.max(0, bucket.taken - ((now - bucket.at) * perMinute) / minuteMs)
  }

  #forget(perMinute: number, now: number): void {
    for (const owner of this.#buckets.keys()) {
      if (this.taken(owner, perMinute, now) <= 0) this.#buckets.delete(owner)
    }
  }
}
