/** Runs a command line of `eg` in this process, with a terminal that keeps what is printed. */
import { run } from '../../src/cli/run.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

export type Ran = { status: number; out: string; err: string }
export type World = {
  url?: string
  answer?: boolean | null
  env?: Record<string, string>
  cwd?: string
}

const testNow = Date.parse('2026-11-23T08:00:00.000Z')

export async function eg(argv: string[], world: World = {}): Promise<Ran & { asked: string[] }> {
  const { terminal, printed, asked } = keptTerminal('eg', world)
  const status = await run(argv, terminal)
  return { status, ...printed(), asked }
}

export function keptTerminal(name: string, world: World) {
  const out: (string | Buffer)[] = []
  const err: string[] = []
  const asked: string[] = []
  const terminal: Terminal = {
    out: (text) => void out.push(text),
    bytes(data) {
      out.push(data)
      return Promise.resolve()
    },
    gone: new AbortController().signal,
    err: (text) => void err.push(text),
    say: (line) => void err.push(`${name}: ${line}\n`),
    ask(question) {
      asked.push(question)
      return Promise.resolve(world.answer ?? null)
    },
    colour: false,
    now: () => testNow,
    env: { EVERGRID_URL: world.url, EVERGRID_PATIENCE: '100ms', ...world.env },
    cwd: world.cwd ?? '/home/ada',
  }
  return { terminal, asked, printed: () => ({ out: out.map(String).join(''), err: err.join('') }) }
}
