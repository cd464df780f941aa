/** What a command has of the world: where it prints, what it may ask, the clock and the environment. */
import { createInterface } from 'node:readline/promises'

export type Terminal = {
  /** Text on stdout. */
  out: (text: string) => void
  bytes: (data: Buffer) => void
  /** Text on stderr. */
  err: (text: string) => void
  /** A line on stderr, for people. */
  say: (line: string) => void
  /** Asks a yes-or-no question; null where nobody can answer. */
  ask: (question: string) => Promise<boolean | null>
  colour: boolean
  now: () => number
  env: Readonly<Record<string, string | undefined>>
  cwd: string
}

export function realTerminal(): Terminal {
  // The reader may have gone (`eg jobs | head`), and a terminal may have closed: neither is an error.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return {
    out: (text) => void process.stdout.write(text),
    bytes: (data) => void process.stdout.write(data),
    err: (text) => void process.stderr.write(text),
    say: (line) => void process.stderr.write(`eg: ${line}\n`),
    ask,
    colour: process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    now: () => Date.now(),
    env: process.env,
    cwd: process.cwd(),
  }
}

async function ask(question: string): Promise<boolean | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}
