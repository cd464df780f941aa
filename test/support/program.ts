/** Runs a command that has a name of its own in this process, with a terminal that keeps what is printed. */
import { runProgram } from '../../src/cli/run-program.ts'
import type { Ran, World } from './eg.ts'
import { keptTerminal } from './eg.ts'

export async function program(name: string, argv: string[], world: World = {}): Promise<Ran> {
  const { terminal, printed } = keptTerminal(name, world)
  const status = await runProgram(name, argv, terminal)
  return { status, ...printed() }
}
