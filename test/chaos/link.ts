/** A node's network: a namespace of its own behind a link that can be made bad. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'

import { until } from '../support/wait.ts'

export type Rule = {
  /** At least; `jitterMs` is added at most, drawn anew for each packet, which reorders. */
  delayMs?: number
  jitterMs?: number
  lossPercent?: number
  doublePercent?: number
  /** These leave at once, the others after `delayMs`. Only the kernel's own (netem-link.ts), as what follows. */
  reorderPercent?: number
  /** One bit of each of these is wrong. */
  corruptPercent?: number
  rateKbit?: number
}
/** `up` carries what the node sends, `down` what it gets. */
export type Rules = { up?: Rule; down?: Rule }

export const schedulerAddress = '10.77.0.1'
export const otherAddress = '10.77.0.2'

export const ip = (...args: string[]) =>
  execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] })

/** The scheduler's addresses, in the namespace of the run itself. */
export function makeSchedulerSide(): void {
  for (const address of [schedulerAddress, otherAddress])
    ip('addr', 'add', `${address}/32`, 'dev', 'lo')
}

export abstract class Link {
  /** Its devices: on the scheduler's side, and on the node's. */
  protected readonly here: string
  protected readonly there: string
  readonly #nth: number
  /** The namespace lives as long as this. */
  readonly #anchor: ChildProcess

  protected constructor(nth: number) {
    this.#nth = nth
    this.here = `s${nth}`
    this.there = `n${nth}`
    this.#anchor = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
  }

  abstract set(rules: Rules): Promise<void>

  heal(): Promise<void> {
    return this.set({})
  }

  /** Runs a command on the node's side. */
  get prefix(): string[] {
    return ['nsenter', `--net=/proc/${this.#anchor.pid}/ns/net`]
  }

  /** On the node's side somebody else has that address, the scheduler's, and nobody listens there. */
  reject(on: boolean, address: string): void {
    this.inside('ip', 'addr', on ? 'add' : 'del', `${address}/32`, 'dev', 'lo')
  }

  close(): void {
    this.#anchor.kill('SIGKILL')
  }

  /** With both devices there, in the namespace of the run. */
  protected async join(): Promise<void> {
    const { here, there } = this
    const address = `10.77.${this.#nth}.1/32`
    // Until `unshare` has done its work, its namespace is still ours.
    await until(() => this.#ownsNamespace(), { what: 'a network namespace' })
    ip('link', 'set', here, 'up')
    ip('route', 'add', address, 'dev', here, 'src', schedulerAddress)
    ip('link', 'set', there, 'netns', String(this.#anchor.pid))
    this.inside('ip', 'link', 'set', 'lo', 'up')
    this.inside('ip', 'addr', 'add', address, 'dev', there)
    this.inside('ip', 'link', 'set', there, 'up')
    this.inside('ip', 'route', 'add', 'default', 'dev', there)
  }

  protected inside(...command: string[]): string {
    const [program = '', ...rest] = [...this.prefix, ...command]
    return execFileSync(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  }

  #ownsNamespace(): boolean {
    const of = (pid: number | string) =>
      execFileSync('readlink', [`/proc/${pid}/ns/net`]).toString()
    return of(this.#anchor.pid ?? 0) !== of('self')
  }
}
