/** A node's network: a namespace of its own behind a bad link (native/link.c). */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'

import { until } from '../support/wait.ts'

export type Rule = {
  delayMs?: number
  jitterMs?: number
  lossPercent?: number
  doublePercent?: number
}
/** `up` carries what the node sends, `down` what it gets. */
export type Rules = { up?: Rule; down?: Rule }

export const schedulerAddress = '10.77.0.1'
export const otherAddress = '10.77.0.2'

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** The scheduler's addresses, in the namespace of the run itself. */
export function makeSchedulerSide(): void {
  for (const address of [schedulerAddress, otherAddress])
    ip('addr', 'add', `${address}/32`, 'dev', 'lo')
}

export class Link {
  readonly #program: ChildProcess
  readonly #anchor: ChildProcess
  readonly #lines: Interface
  #answers = 0

  private constructor(program: ChildProcess, anchor: ChildProcess) {
    this.#program = program
    this.#anchor = anchor
    this.#lines = createInterface({ input: program.stdout as NodeJS.ReadableStream })
    this.#lines.on('line', () => (this.#answers += 1))
  }

  static async open(program: string, nth: number): Promise<Link> {
    const anchor = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
    const [here, there] = [`s${nth}`, `n${nth}`]
    const link = new Link(
      spawn(program, [here, there], { stdio: ['pipe', 'pipe', 'inherit'] }),
      anchor,
    )
    await until(() => link.#answers === 1, { what: 'the link program' })
    const address = `10.77.${nth}.1/32`
    // Until `unshare` has done its work, its namespace is still ours.
    await until(() => link.#ownsNamespace(), { what: 'a network namespace' })
    ip('link', 'set', here, 'up')
    ip('route', 'add', address, 'dev', here, 'src', schedulerAddress)
    ip('link', 'set', there, 'netns', String(anchor.pid))
    link.#inside('link', 'set', 'lo', 'up')
    link.#inside('addr', 'add', address, 'dev', there)
    link.#inside('link', 'set', there, 'up')
    link.#inside('route', 'add', 'default', 'dev', there)
    return link
  }

  /** Runs a command on the node's side. */
  get prefix(): string[] {
    return ['nsenter', `--net=/proc/${this.#anchor.pid}/ns/net`]
  }

  async set({ up = {}, down = {} }: Rules): Promise<void> {
    const before = this.#answers
    const line = (
      side: number,
      { delayMs = 0, jitterMs = 0, lossPercent = 0, doublePercent = 0 }: Rule,
    ) => `${side} ${delayMs} ${jitterMs} ${lossPercent} ${doublePercent}\n`
    this.#program.stdin?.write(line(1, up) + line(0, down))
    await until(() => this.#answers >= before + 2, { what: 'the link program' })
  }

  heal(): Promise<void> {
    return this.set({})
  }

  /** On the node's side somebody else has that address, the scheduler's, and nobody listens there. */
  reject(on: boolean, address: string): void {
    this.#inside('addr', on ? 'add' : 'del', `${address}/32`, 'dev', 'lo')
  }

  close(): void {
    this.#program.kill('SIGKILL')
    this.#anchor.kill('SIGKILL')
  }

  #ownsNamespace(): boolean {
    const of = (pid: number | string) =>
      execFileSync('readlink', [`/proc/${pid}/ns/net`]).toString()
    return of(this.#anchor.pid ?? 0) !== of('self')
  }

  #inside(...args: string[]): void {
    const [program = '', ...rest] = [...this.prefix, 'ip', ...args]
    execFileSync(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  }
}
