/** One daemon in the foreground: its output is ours, our signals are its, and its end is ours. */
import { constants } from 'node:os'

import { startDaemon, type Daemon } from './entry.ts'

export function runForeground(daemon: Daemon, flags: readonly string[]): Promise<number> {
  const child = startDaemon(daemon, flags, 'inherit')
  const passOn = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, passOn)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']),
    )
  })
}
