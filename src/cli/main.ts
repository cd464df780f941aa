/** The `eg` command. */
import { run } from './run.ts'
import { realTerminal } from './terminal.ts'

// Not process.exit: what is printed must reach a slow reader first.
process.exitCode = await run(process.argv.slice(2), realTerminal())
