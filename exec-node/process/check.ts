/** Liveness checks: a command of the owner, run as the owner within the run's limits. */
import { spawn } from 'node:child_process'

import { fixedEnv, nativeProgram } from './native-program.ts'
import type { CheckResult } from './run-driver.ts'

const keptBytes = 2000

export function runCheck(
  folder: string,
  argv: readonly string[],
  timeoutMs: number,
): Promise<CheckResult> {
  return new Promise((resolve) => {
    const child = spawn(nativeProgram('owner'), ['exec', folder, ...argv], {
      env: fixedEnv,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    let timedOut = false
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-keptBytes)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => {
      timedOut = true
      endGroup(child.pid)
      // What the check left running may hold the pipes; nobody waits for that.
      child.stdout.destroy()
      child.stderr.destroy()
    }, timeoutMs)
    child.on('error', (error) => resolve({ ok: false, detail: error.message }))
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      endGroup(child.pid)
      const status = timedOut
        ? `no answer within ${timeoutMs} ms`
        : signal
          ? `ended by ${signal}`
          : `exit ${code}`
      setImmediate(() =>
        resolve({
          ok: code === 0 && !timedOut,
          detail: [status, output.trim()].filter(Boolean).join(': '),
        }),
      )
    })
  })
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}
