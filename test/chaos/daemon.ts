/** A daemon of the built product that is started again when it dies, as a service manager would. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

import { until } from '../support/wait.ts'

export class Daemon {
  readonly name: string
  readonly logFile: string
  readonly #command: () => string[]
  readonly #env: Record<string, string>
  #child: ChildProcess | null = null
  #wanted = false
  #timer: NodeJS.Timeout | null = null
  /** Between an end and the next start. */
  pauseMs = 500
  starts = 0

  constructor(of: {
    name: string
    logFile: string
    command: () => string[]
    env: Record<string, string>
  }) {
    this.name = of.name
    this.logFile = of.logFile
    this.#command = of.command
    this.#env = of.env
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  start(): void {
    this.#wanted = true
    if (this.#child !== null || this.#timer !== null) return
    this.#spawn()
  }

  /** Stays away after its next end, until it is started again. */
  keepAway(): void {
    this.#wanted = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.#child?.kill(signal) ?? false
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.keepAway()
    this.signal('SIGCONT')
    this.signal(signal)
    const late = setTimeout(() => this.signal('SIGKILL'), 20_000)
    await until(() => this.#child === null, { timeoutMs: 60_000, what: `the end of ${this.name}` })
    clearTimeout(late)
  }

  /** What it wrote last, for people. */
  lastWords(lines = 3): string {
    return this.wordsSince(0).trim().split('\n').slice(-lines).join('\n')
  }

  /** All that it wrote when its log was so long, and since; see `said`. */
  wordsSince(said: number): string {
    try {
      return readFileSync(this.logFile, 'utf8').slice(said)
    } catch {
      return ''
    }
  }

  /** So long is its log now. */
  get said(): number {
    return this.wordsSince(0).length
  }

  #spawn(): void {
    this.#timer = null
    const log = openSync(this.logFile, 'a')
    const [program = '', ...args] = this.#command()
    const env = { ...process.env, ...this.#env }
    const child = spawn(program, args, { stdio: ['ignore', log, log], env, detached: true })
    closeSync(log)
    this.#child = child
    this.starts += 1
    const over = () => {
      if (this.#child !== child) return
      this.#child = null
      if (this.#wanted) this.#timer = setTimeout(() => this.#spawn(), this.pauseMs)
    }
    child.once('error', over)
    child.once('exit', over)
  }
}
