/** The one program behind `eg` and every name that links to it. */
import { realTerminal } from './terminal.ts'

// The shell in dist/bin/eg says by which name it was called.
const [first = '', ...others] = process.argv.slice(2)
const name = /^--called-as=(.+)$/.exec(first)?.[1]
const argv = name === undefined ? process.argv.slice(2) : others

// Not process.exit: what is printed must reach a slow reader first.
if (name === undefined || name === 'eg') {
  const { run } = await import('./run.ts')
  process.exitCode = await run(argv, realTerminal())
} else {
  const { runProgram } = await import('./run-program.ts')
  process.exitCode = await runProgram(name, argv, realTerminal(name))
}
