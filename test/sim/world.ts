/**
 * Time and everything that waits for it. One event happens after the other, and all that it set going comes to
 * rest before the next: what depends on nothing but the seed happens again with the seed.
 */
import { createHash } from 'node:crypto'

import TinyQueue from 'tinyqueue'

import type { Cancel } from '../../src/lib/clock.ts'
import { inOneTurn } from './one-turn.ts'
import type { Random } from './random.ts'

type SimEvent = {
  at: number
  /** Events of one moment happen in any order. */
  tie: number
  order: number
  process: SimProcess | null
  call: (() => void) | null
  /** Sets nothing going and changes nothing that is checked. */
  isQuiet: boolean
}

/** Whatever can die or be stopped: its events then come to nothing, or wait. */
export class SimProcess {
  readonly name: string
  dead = false
  /** `timers`: as when its machine sleeps, the time left stays left; `stopped`: due at once when it goes on. */
  frozen: 'no' | 'stopped' | 'asleep' = 'no'
  frozenAt = 0
  held: SimEvent[] = []

  constructor(name: string) {
    this.name = name
  }
}

const linesKept = 4000
/** A grid that does more than this for nothing turns in circles. */
const mostEvents = 600_000

export class World {
  now = 0
  events = 0
  readonly random: Random
  readonly lines: string[] = []
  /** Looks at what may have changed after each event, given the process that it happened in. */
  onStep: (process: SimProcess | null) => void = () => {}
  #order = 0
  readonly #queue = new TinyQueue<SimEvent>(
    [],
    (a, b) => a.at - b.at || a.tie - b.tie || a.order - b.order,
  )
  readonly #hash = createHash('sha256')

  constructor(random: Random) {
    this.random = random
  }

  after(delayMs: number, process: SimProcess | null, call: () => void, isQuiet = false): Cancel {
    this.#order += 1
    const event: SimEvent = {
      at: this.now + Math.max(0, delayMs),
      tie: this.random.next(),
      order: this.#order,
      process,
      call,
      isQuiet,
    }
    this.#queue.push(event)
    return () => {
      event.call = null
    }
  }

  /** Resolves in the process after so long; never if it has died by then. */
  wait(delayMs: number, process: SimProcess | null): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, process, resolve)
    })
  }

  note(line: string): void {
    const text = `${(this.now / 1000).toFixed(3).padStart(9)} s  ${line}`
    this.#hash.update(text).update('\n')
    this.lines.push(text)
    if (this.lines.length > linesKept * 2) this.lines.splice(0, linesKept)
  }

  traceHash(): string {
    return this.#hash.copy().digest('hex').slice(0, 16)
  }

  freeze(process: SimProcess, how: 'stopped' | 'asleep'): void {
    if (process.frozen !== 'no' || process.dead) return
    process.frozen = how
    process.frozenAt = this.now
  }

  thaw(process: SimProcess): void {
    const slept = process.frozen === 'asleep' ? this.now - process.frozenAt : 0
    process.frozen = 'no'
    for (const event of process.held.splice(0)) {
      event.at = Math.max(this.now, event.at + slept)
      this.#queue.push(event)
    }
  }

  kill(process: SimProcess): void {
    process.dead = true
    process.held = []
  }

  /** All that happens up to then, in one turn of the real event loop. */
  run(untilMs: number): Promise<void> {
    return inOneTurn((settle) => {
      settle()
      for (;;) {
        const event = this.#queue.peek()
        if (event === undefined || event.at > untilMs) break
        this.#queue.pop()
        this.#happen(event, settle)
      }
      this.now = Math.max(this.now, untilMs)
    })
  }

  #happen(event: SimEvent, settle: () => void): void {
    const { process, call } = event
    if (call === null || process?.dead === true) return
    if (process !== null && process.frozen !== 'no') {
      process.held.push(event)
      return
    }
    this.now = Math.max(this.now, event.at)
    this.events += 1
    if (this.events > mostEvents) throw new Error('it never comes to rest')
    call()
    if (event.isQuiet) return
    settle()
    this.onStep(process)
  }
}
