/** A link through a program (native/link.c): it needs nothing of the kernel but TUN devices. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

import { until } from '../support/wait.ts'
import { Link, type Rule, type Rules } from './link.ts'

export class ProgramLink extends Link {
  readonly #program: ChildProcess
  #answers = 0

  private constructor(program: string, nth: number) {
    super(nth)
    this.#program = spawn(program, [this.here, this.there], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: this.#program.stdout as NodeJS.ReadableStream })
    lines.on('line', () => (this.#answers += 1))
  }

  static async open(program: string, nth: number): Promise<Link> {
    const link = new ProgramLink(program, nth)
    await until(() => link.#answers === 1, { what: 'the link program' })
    await link.join()
    return link
  }

  async set({ up = {}, down = {} }: Rules): Promise<void> {
    const before = this.#answers
    this.#program.stdin?.write(lineOf(1, up) + lineOf(0, down))
    await until(() => this.#answers >= before + 2, { what: 'the link program' })
  }

  override close(): void {
    this.#program.kill('SIGKILL')
    super.close()
  }
}

function lineOf(side: number, rule: Rule): string {
  const { delayMs = 0, jitterMs = 0, lossPercent = 0, doublePercent = 0, ...more } = rule
  const cannot = Object.keys(more)
  if (cannot.length > 0) throw new Error(`the link program cannot do ${cannot.join(', ')}`)
  return `${side} ${delayMs} ${jitterMs} ${lossPercent} ${doublePercent}\n`
}
