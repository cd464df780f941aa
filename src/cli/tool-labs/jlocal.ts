/** `jlocal`: runs a command right here, as it kept one on the cron host. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

import type { Program } from '../programs.ts'

export const program: Program = ({ argv: [command, ...args], terminal }) => {
  if (command === undefined) {
    terminal.err('usage: jlocal command [args...]\n')
    return Promise.resolve(2)
  }
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' })
    child.once('error', (error: NodeJS.ErrnoException) => {
      terminal.say(error.message)
      resolve(error.code === 'ENOENT' ? 127 : 126)
    })
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}
