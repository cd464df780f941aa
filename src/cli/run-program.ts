/** Runs a command that is called by its own name (see programs.ts) to its exit status. */
import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'

import { exitStatus } from '../../proto/error-list.ts'
import { ClientError } from '../client/client-error.ts'
import type { Client } from '../client/client.ts'
import { programs, type ProgramContext } from './programs.ts'
import type { Terminal } from './terminal.ts'

export async function runProgram(
  name: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const load = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (load === undefined) {
    terminal.say(`there is no command of this name; it may be linked to eg as ${known()}`)
    return exitStatus.usage
  }
  const open: Client[] = []
  const { program } = await load()
  try {
    return await program({
      name,
      argv,
      terminal,
      input: () => readFileSync(0, 'utf8'),
      account: ownAccount,
      host: hostname(),
      client: () => connect(terminal, open),
    })
  } catch (error) {
    if (terminal.gone.aborted) return exitStatus.done
    if (!(error instanceof ClientError)) throw error
    terminal.say(error.detail)
    if (error.hint !== null) terminal.say(error.hint)
    return exitStatus.refused
  } finally {
    for (const client of open) client.close()
  }
}

function ownAccount(): ReturnType<ProgramContext['account']> {
  const { username, homedir, shell } = userInfo()
  return { user: username, home: process.env['HOME'] || homedir, shell: shell ?? '/bin/sh' }
}

const known = (): string => ['eg', ...Object.keys(programs)].join(', ')

async function connect(terminal: Terminal, open: Client[]): Promise<Client> {
  const [{ openClient }, { parseDuration }] = await Promise.all([
    import('../client/client.ts'),
    import('../../proto/resources.ts'),
  ])
  const patience = parseDuration(terminal.env['EVERGRID_PATIENCE'] ?? '')
  const client = openClient({
    url: terminal.env['EVERGRID_URL'],
    patienceMs: patience.ok ? patience.value : undefined,
    onRetry: (error) => terminal.say(`${error.detail}; trying again`),
  })
  open.push(client)
  return client
}
