/** Daemons of a data folder whose `eg up` was killed: they run on, and are ended in order. Their jobs go on. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { daemonIn, isRunning, type Identity } from './process-identity.ts'

export function leftOverDaemons(folder: string): Identity[] {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  return folders
    .map(({ name }) => join(folder, name))
    .flatMap((path) => [daemonIn(path, 'scheduler.pid'), daemonIn(path, 'exec-node.pid')])
    .filter((identity) => identity !== null)
}

export async function endProcess(identity: Identity, patienceMs = 60_000): Promise<void> {
  const end = performance.now() + patienceMs
  signal(identity, 'SIGTERM')
  while (isRunning(identity)) {
    if (performance.now() > end) signal(identity, 'SIGKILL')
    await delay(20)
  }
}

function signal(identity: Identity, name: NodeJS.Signals): void {
  try {
    if (isRunning(identity)) process.kill(identity.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
