/** The small process that forks shepherds, so that Node need not fork at each start. Dies with the agent. */
import { spawn, type ChildProcess } from 'node:child_process'

import { fixedEnv, nativeProgram } from '../../src/lib/native-program.ts'
import { every } from './every.ts'

const restartMs = 200
const lookEveryMs = 2_000

export type Launcher = { launch(folder: string): void; close(): void }

/** `unclaimed` tells the folders in which no shepherd has begun: the launcher or the shepherd may have died before. */
export function openLauncher(unclaimed: () => Promise<string[]>): Launcher {
  let closed = false
  let child = begin()
  let before: readonly string[] = []
  const look = every(
    lookEveryMs,
    async () => {
      const now = await unclaimed()
      now.filter((folder) => before.includes(folder)).forEach(launch)
      before = now
    },
    () => {},
  )

  function begin(): ChildProcess {
    const started = spawn(nativeProgram('shepherd'), [], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: fixedEnv,
      cwd: '/',
      detached: true,
    })
    started.on('error', () => {})
    started.stdin?.on('error', () => {})
    started.once('close', () => {
      if (!closed) setTimeout(restart, restartMs)
    })
    return started
  }
  function restart(): void {
    if (closed) return
    child = begin()
    // A folder has one shepherd whoever asks how often: the claim in its journal sees to that.
    unclaimed().then(
      (folders) => folders.forEach(launch),
      () => {},
    )
  }
  function launch(folder: string): void {
    child.stdin?.write(`${folder}\0`)
  }
  return {
    launch,
    close() {
      closed = true
      look.close()
      child.stdin?.end()
    },
  }
}
