/** The program that works on a scheduler's database without the scheduler, and the folder it works on. */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

import type { DatabaseAnswer, DatabaseCalls } from '../../../proto/database.ts'
import { dataFolderDefault } from '../../lib/endpoint.ts'
import { CommandError } from '../command.ts'
import { entryOf, flagsOf } from './entry.ts'

export const dataOption = {
  data: {
    value: 'DIR',
    help: 'data folder of the scheduler, or of "eg up" (default: scheduler/ in $EVERGRID_DATA)',
  },
} as const

type Hints = Readonly<Partial<Record<string, string>>>
type Failing = { hints?: Hints; exit?: number }

export async function askDatabase<C extends keyof DatabaseCalls>(
  call: C,
  flags: Record<string, string | boolean | undefined>,
  { hints = {}, exit = 1 }: Failing = {},
): Promise<DatabaseCalls[C]> {
  const argv = [...process.execArgv, entryOf('scheduler/database'), call, ...flagsOf(flags)]
  const answer = await new Promise<DatabaseAnswer<DatabaseCalls[C]>>((done, failed) => {
    execFile(process.execPath, argv, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      try {
        done(JSON.parse(stdout) as DatabaseAnswer<DatabaseCalls[C]>)
      } catch {
        failed(
          new CommandError(`eg ${call} broke off: ${stderr.trim() || error?.message}`, { exit }),
        )
      }
    })
  })
  if (answer.ok) return answer.value
  throw new CommandError(answer.detail, { exit, hint: hints[answer.kind] ?? null })
}

/** That of the scheduler; the folder of `eg up`, which holds it, means the same. */
export function schedulerFolder(said: string | undefined): string {
  const folder = resolve(said ?? join(dataFolderDefault(), 'scheduler'))
  const inner = join(folder, 'scheduler')
  const chosen = !existsSync(join(folder, 'evergrid.db')) && existsSync(inner) ? inner : folder
  try {
    accessSync(chosen, constants.R_OK | constants.X_OK)
  } catch (error) {
    // What is not there is told by who looks for it.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') return chosen
    throw new CommandError(`${chosen} is closed to this account`, {
      exit: 4,
      hint: 'run this as the account that the scheduler runs as',
    })
  }
  return chosen
}
