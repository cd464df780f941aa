/** What a command has of the world: where it prints, what it may ask, the clock and the environment. */
import { once } from 'node:events'

import { printable } from './render/table.ts'

export type Terminal = {
  /** Text on stdout. */
  out: (text: string) => void
  /** Bytes on stdout; resolves when there is room for more. */
  bytes: (data: Buffer) => Promise<void>
  /** Aborted when whoever reads stdout has gone (`eg logs -f | head`). */
  gone: AbortSignal
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

/** `name` stands before each line that is said. */
export function realTerminal(name = 'eg'): Terminal {
  const gone = new AbortController()
  const say = (text: string) => {
    // Line by line: what others wrote must not steer the terminal.
    for (const line of text.split('\n')) process.stderr.write(`${name}: ${printable(line)}\n`)
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    gone.abort()
    // A reader that has gone and a terminal that has closed are no errors.
    if (error.code === 'EPIPE' || error.code === 'EIO') return
    say(`what was to be printed could not be written: ${error.message}`)
    process.once('exit', () => (process.exitCode ||= 1))
  })
  process.stderr.on('error', () => {})
  return {
    out: (text) => void process.stdout.write(text),
    bytes: (data) => written(data, gone.signal),
    gone: gone.signal,
    err: (text) => void process.stderr.write(text),
    say,
    ask,
    colour: process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    now: () => Date.now(),
    env: process.env,
    cwd: process.cwd(),
  }
}

async function written(data: Buffer, gone: AbortSignal): Promise<void> {
  if (process.stdout.write(data) || gone.aborted) return
  await once(process.stdout, 'drain', { signal: gone })
}

async function ask(question: string): Promise<boolean | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}
