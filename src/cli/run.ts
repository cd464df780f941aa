/** From words typed to an exit status: finds the command, reads its options, runs it, words what went wrong. */
import { exitStatus } from '../../proto/error-list.ts'
import { ClientError } from '../client/client-error.ts'
import type { Client } from '../client/client.ts'
import {
  commonOptions,
  CommandError,
  UsageError,
  type Command,
  type CommonOptions,
} from './command.ts'
import { commands, groups } from './commands.ts'
import { garbled } from './garbled.ts'
import { inOptions } from './option-names.ts'
import {
  flagsIn,
  nearest,
  parseOptions,
  type CommandLine,
  type OptionTable,
  type Values,
} from './options.ts'
import type { Terminal } from './terminal.ts'

export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const found = findCommand(argv)
  if (found === null) return general(argv, terminal)
  const { command } = await found.load()
  const table = { ...command.options, ...commonOptions }
  const parsed = parseOptions(table, found.argv, {
    ends: command.takesCommand === 'first-operand',
  })
  try {
    const word = garbled(found.argv, 'cmdline')
    if (word !== null) throw new UsageError(`"${word}" is not UTF-8, as all that is sent must be`)
    if (!parsed.ok) throw new UsageError(parsed.problem)
    return await runCommand(found, command, parsed.line, terminal)
  } catch (error) {
    if (terminal.gone.aborted) return exitStatus.done
    const values = parsed.ok ? parsed.line.values : flagsIn(table, found.argv)
    const exit = report(error, found.name, { terminal, asJson: values.json })
    return command.endsAsJob?.(values) ? exitStatus.waitFailed : exit
  }
}

type Found = {
  name: string
  summary: string
  argv: readonly string[]
  load: () => Promise<{ command: Command }>
}

function findCommand(argv: readonly string[]): Found | null {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ')
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (entry) return { name, ...entry, argv: argv.slice(words) }
  }
  return null
}

async function runCommand(
  found: Found,
  command: Command,
  { values, operands, rest }: CommandLine<OptionTable & CommonOptions>,
  terminal: Terminal,
): Promise<number> {
  if (values['help']) {
    const { commandHelp } = await import('./help.ts')
    terminal.out(commandHelp(found.name, found.summary, command))
    return exitStatus.done
  }
  const words = command.takesCommand === undefined ? [...operands, ...(rest ?? [])] : operands
  const [least, most] = command.operands
  if (words.length < least)
    throw new UsageError(`something is missing: eg ${found.name} ${command.usage}`)
  if (words.length > most)
    throw new UsageError(`"${words[most]}" is too much: eg ${found.name} ${command.usage}`)
  const connection = connector(values, terminal)
  try {
    return await command.run({
      values,
      operands: words,
      rest,
      terminal,
      client: connection.client,
    })
  } finally {
    connection.close()
  }
}

/** The client code is loaded only by commands that talk to a scheduler. */
function connector(values: Values<CommonOptions>, terminal: Terminal) {
  const open: Client[] = []
  return {
    client: async (options: { patienceMs?: number } = {}) => {
      const [{ openClient }, { parseDuration }] = await Promise.all([
        import('../client/client.ts'),
        import('../../proto/resources.ts'),
      ])
      const patience = parseDuration(terminal.env['EVERGRID_PATIENCE'] ?? '')
      const client = openClient({
        url: values.url ?? terminal.env['EVERGRID_URL'],
        insecureNetwork: values['insecure-network'],
        patienceMs: patience.ok ? patience.value : undefined,
        ...options,
        // A program that reads stderr expects the problem there, and nothing else.
        onRetry: values.json ? undefined : (error) => terminal.say(`${error.detail}; trying again`),
      })
      open.push(client)
      return client
    },
    close: () => open.forEach((client) => client.close()),
  }
}

/** The one place that prints errors: what, why, what to do; as a problem where JSON was asked for. */
function report(
  error: unknown,
  name: string,
  { terminal, asJson }: { terminal: Terminal; asJson: boolean },
): number {
  const refusal = refusalOf(error, name)
  if (refusal === null) throw error
  if (asJson) {
    terminal.err(`${JSON.stringify(refusal.toProblem())}\n`)
  } else {
    terminal.say(refusal.code === 'invalid' ? inOptions(refusal.detail) : refusal.detail)
    if (refusal.hint !== null) terminal.say(refusal.hint)
  }
  return error instanceof CommandError ? error.exit : refusal.exit
}

function refusalOf(error: unknown, name: string): ClientError | null {
  if (error instanceof ClientError) return error
  if (error instanceof UsageError) {
    return new ClientError('invalid', error.message, `try: eg ${name} --help`)
  }
  return error instanceof CommandError
    ? new ClientError('refused', error.message, error.hint)
    : null
}

/** No command: help, version, or a word that is none. */
async function general(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [word = '', ...more] = argv
  if (word === '--version' || word === '-V') return run(['version'], terminal)
  if (word === 'help' && more.length > 0) return run([...more, '--help'], terminal)
  const topic = ['', 'help', '--help', '-h'].includes(word)
  const prefix = Object.keys(commands).filter((name) => name.startsWith(`${word} `))
  if (topic || prefix.length > 0) {
    const { overview, groupHelp } = await import('./help.ts')
    const text = topic ? overview(groups) : groupHelp(word, commands)
    const asked = word !== '' && (topic || ['--help', '-h'].includes(more[0] ?? ''))
    if (asked) terminal.out(text)
    else terminal.err(text)
    return asked ? exitStatus.done : exitStatus.usage
  }
  const near = nearest(word, Object.keys(commands))
  terminal.say(
    `there is no command "${word}"${near === null ? '' : `; did you mean "eg ${near}"?`}`,
  )
  terminal.say('try: eg help')
  return exitStatus.usage
}
