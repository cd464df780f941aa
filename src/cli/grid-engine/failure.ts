/** How Grid Engine's commands word what goes wrong. Clients look for these words, and for the exit statuses. */
import { ClientError } from '../../client/client-error.ts'
import type { Program, ProgramContext } from '../programs.ts'

/** Ends the command: the text as it is on stderr, and the status. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly text: string
  readonly exit: number

  constructor(text: string, exit: number) {
    super(text)
    this.text = text
    this.exit = exit
  }
}

/** The command line is wrong: `qsub: PROBLEM`. */
export const usageFailure = (command: string, problem: string, exit = 2): Failure =>
  new Failure(`${command}: ${problem}`, exit)

/** A submit that was refused, here or by the scheduler. */
export const rejected = (reason: string, exit = 1): Failure =>
  new Failure(`Unable to run job: ${reason}\nExiting.`, exit)

/** A command whose failures are worded so; one that does not reach the scheduler says `qmaster`, which clients look for. */
export const gridEngineProgram =
  (run: (context: ProgramContext) => Promise<number>): Program =>
  async (context) => {
    try {
      return await run(context)
    } catch (error) {
      if (error instanceof Failure) {
        context.terminal.err(`${error.text}\n`)
        return error.exit
      }
      if (!(error instanceof ClientError)) throw error
      context.terminal.err(`${unreached(error) ?? `error: ${withHint(error)}`}\n`)
      return 1
    }
  }

function unreached(error: ClientError): string | null {
  if (error.code !== 'unreachable' && error.code !== 'unavailable') return null
  return `error: unable to send message to qmaster: ${error.detail}`
}

export const withHint = ({ detail, hint }: ClientError): string =>
  hint === null ? detail : `${detail} (${hint})`
