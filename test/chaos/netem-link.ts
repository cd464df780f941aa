/** A link of the kernel's own: a veth pair, made bad by `tc qdisc … netem` on both of its ends. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

import { ip, Link, type Rule, type Rules } from './link.ts'

/** What became of the packets of both directions while a rule was laid. */
export type Toll = { carried: number; dropped: number; badChecksums: number }

export class NetemLink extends Link {
  /** `badChecksums` counts on from when the machine began. */
  #checksumsBefore = 0

  static async open(nth: number): Promise<NetemLink> {
    const link = new NetemLink(nth)
    ip('link', 'add', link.here, 'type', 'veth', 'peer', 'name', link.there)
    await link.join()
    return link
  }

  async set({ up = {}, down = {} }: Rules): Promise<void> {
    this.#tc(this.there, up)
    this.#tc(this.here, down)
    this.#checksumsBefore = this.#checksums()
  }

  /** Since the last `set`. */
  get toll(): Toll {
    const badChecksums = this.#checksums() - this.#checksumsBefore
    const sum: Toll = { carried: 0, dropped: 0, badChecksums }
    for (const device of [this.here, this.there]) {
      const shown = this.#run(device, 'tc', '-s', '-j', 'qdisc', 'show', 'dev', device)
      for (const { kind, packets, drops } of JSON.parse(shown) as Qdisc[]) {
        if (kind !== 'netem') continue
        sum.carried += packets
        sum.dropped += drops
      }
    }
    return sum
  }

  #tc(device: string, rule: Rule): void {
    const words = netemOf(rule)
    if (words.length > 0)
      this.#run(device, 'tc', 'qdisc', 'replace', 'dev', device, 'root', 'netem', ...words)
    else if (this.#run(device, 'tc', 'qdisc', 'show', 'dev', device).includes('netem'))
      this.#run(device, 'tc', 'qdisc', 'del', 'dev', device, 'root')
  }

  #run(device: string, ...command: string[]): string {
    if (device === this.there) return this.inside(...command)
    const [program = '', ...rest] = command
    return execFileSync(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  }

  /** TCP segments that were thrown away because a bit of theirs was wrong, on both sides. */
  #checksums(): number {
    const sides = [readFileSync('/proc/net/snmp', 'utf8'), this.inside('cat', '/proc/net/snmp')]
    return sides.reduce((sum, text) => sum + checksumErrors(text), 0)
  }
}

type Qdisc = { kind: string; packets: number; drops: number }

/** tc-netem(8). A jitter there goes to both sides of the delay. */
export function netemOf(rule: Rule): string[] {
  const { delayMs = 0, jitterMs = 0, lossPercent = 0, doublePercent = 0 } = rule
  const { reorderPercent = 0, corruptPercent = 0, rateKbit = 0 } = rule
  const half = jitterMs / 2
  const words: string[] = []
  if (delayMs + jitterMs > 0) words.push('delay', `${delayMs + half}ms`)
  if (jitterMs > 0) words.push(`${half}ms`)
  if (reorderPercent > 0) words.push('reorder', `${reorderPercent}%`)
  if (lossPercent > 0) words.push('loss', `${lossPercent}%`)
  if (doublePercent > 0) words.push('duplicate', `${doublePercent}%`)
  if (corruptPercent > 0) words.push('corrupt', `${corruptPercent}%`)
  if (rateKbit > 0) words.push('rate', `${rateKbit}kbit`)
  return words
}

/** `InCsumErrors` of the two lines `Tcp:` (names, then numbers). */
function checksumErrors(snmp: string): number {
  const [names = [], numbers = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  return Number(numbers[names.indexOf('InCsumErrors')] ?? 0)
}
