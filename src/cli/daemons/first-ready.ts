/** A daemon's way to `ready` as its log tells it, over as many starts as that takes. */
import { CommandError } from '../command.ts'
import { LogLines } from './log-lines.ts'

/** Between two looks at the log: a tenth of the time since the start, within these. */
const pauseMs = { least: 20, longest: 1_000 }
const lastLines = 3
/** Sentences of a daemon for whoever started it. */
const forPeople = /^eg: (waiting for .*|.* refuses this node.*)$/

export class FirstReady {
  /** Resolves with what stands after `ready`; rejects with the last lines of a start that failed. */
  readonly ready: Promise<string>
  /** `ready` has been said. */
  isReady = false
  readonly #name: string
  readonly #logFile: string
  readonly #say: (line: string) => void
  #settle: { resolve: (rest: string) => void; reject: (error: Error) => void } | null = null
  #lines: LogLines
  #last: string[] = []
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(of: { name: string; logFile: string }, say: (line: string) => void) {
    this.#name = of.name
    this.#logFile = of.logFile
    this.#say = say
    this.#lines = new LogLines(of.logFile, 0)
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Whoever waits for it hears of it; nobody need.
    this.ready.catch(() => {})
  }

  /** A process was started that appends to the log from the byte `from` on. */
  begins(from: number): void {
    if (this.#settle === null) return
    this.#lines = new LogLines(this.#logFile, from)
    this.#startedAt = performance.now()
    clearTimeout(this.#timer)
    this.#lookAgain()
  }

  /** What was logged until now. */
  look(): void {
    if (this.#settle === null) return
    for (const line of this.#lines.next()) {
      const rest = /^ready ?(.*)$/.exec(line)?.[1]
      if (rest !== undefined) return this.#isReady(rest)
      const sentence = forPeople.exec(line)?.[1]
      if (sentence !== undefined) this.#say(`${this.#name}: ${sentence}`)
      this.#last = [...this.#last, line].slice(-lastLines)
    }
  }

  /** No further start is tried; `how` the last one ended. */
  fails(how: string): void {
    this.look()
    const last = this.#last.join('\n    ')
    this.#settle?.reject(
      new CommandError(`${this.#name} could not start (${how}): ${last}`, {
        hint: `its log is ${this.#logFile}`,
      }),
    )
    this.#end()
  }

  #isReady(rest: string): void {
    this.isReady = true
    this.#settle?.resolve(rest)
    this.#end()
  }

  #end(): void {
    this.#settle = null
    clearTimeout(this.#timer)
  }

  #lookAgain(): void {
    this.look()
    if (this.#settle === null) return
    const tenth = (performance.now() - this.#startedAt) / 10
    const inMs = Math.min(pauseMs.longest, Math.max(pauseMs.least, tenth))
    this.#timer = setTimeout(() => this.#lookAgain(), inMs)
  }
}
