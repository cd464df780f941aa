/** Keeps the node's fence running; it goes on without us and ends when nothing is left to fence. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { fixedEnv, nativeProgram } from '../../src/lib/native-program.ts'
import { processStat } from './boot.ts'

const watchMs = 1000

export type Fence = { pid(): Promise<number | null>; close(): void }

export function openFence(nodeDir: string): Fence {
  const pid = async () => {
    const text = await readFile(join(nodeDir, 'fence.pid'), 'utf8').catch(() => '')
    const stat = processStat(Number(text))
    return stat?.name === 'fence' && stat.lives ? stat.pid : null
  }
  const start = () => {
    // A second one finds the lock taken and goes away again.
    const child = spawn(nativeProgram('fence'), [nodeDir, String(process.pid)], {
      stdio: 'ignore',
      env: fixedEnv,
      cwd: '/',
      detached: true,
    })
    child.on('error', () => {})
    child.unref()
  }
  const watch = setInterval(() => {
    pid().then(
      (alive) => alive === null && start(),
      () => {},
    )
  }, watchMs)
  watch.unref()
  start()
  return { pid, close: () => clearInterval(watch) }
}
