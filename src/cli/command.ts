/** What a command is: its options and operands as data, and one function from them to an exit status. */
import type { Client } from '../client/client.ts'
import type { OptionTable, Values } from './options.ts'
import type { Terminal } from './terminal.ts'

/** Options that every command takes. */
export const commonOptions = {
  json: { help: 'print JSON' },
  url: {
    value: 'URL',
    help: 'the scheduler (default: $EVERGRID_URL, else port 6444 of this machine)',
  },
  'insecure-network': { help: 'talk to a scheduler off this machine, without TLS' },
  help: { short: 'h', help: 'print this' },
} as const satisfies OptionTable
export type CommonOptions = typeof commonOptions

export type Context<T extends OptionTable> = {
  values: Values<T & CommonOptions>
  operands: string[]
  /** What stands after `--`. */
  rest: string[] | null
  terminal: Terminal
  /** Opened when first asked for; `patienceMs` is for commands that outlive a scheduler's absence. */
  client: (options?: { patienceMs?: number }) => Promise<Client>
}

export type Command<T extends OptionTable = OptionTable> = {
  /** What follows the command's name, as in `JOB…`. */
  usage: string
  options: T
  /** How many operands it takes, at least and at most. */
  operands: readonly [number, number]
  /** A command follows: after `--`, or with `first-operand` from the first word that is no option. */
  takesCommand?: 'first-operand' | 'after-dashes'
  /** Ends as a job did, so that its own failures must not be taken for the job's: they are 125. */
  endsAsJob?: (values: Values<T>) => boolean
  /** Paragraphs under the options in `--help`. */
  notes?: string
  run: (context: Context<T>) => Promise<number>
}

export const defineCommand = <const T extends OptionTable>(command: Command<T>): Command =>
  command as unknown as Command

/** The command line is wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command itself failed, after the command line was understood. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exit: number
  readonly hint: string | null

  constructor(detail: string, { exit = 1, hint = null as string | null } = {}) {
    super(detail)
    this.exit = exit
    this.hint = hint
  }
}
