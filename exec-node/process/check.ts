/** Liveness checks: a command of the owner, run as the owner within the run's limits. */
import { spawn } from 'node:child_process'

import { fixedEnv, nativeProgram } from '../../src/lib/native-program.ts'
import type { CheckResult } from './run-driver.ts'

const keptBytes = 2000
/** Folders of runs with a check that not even SIGKILL has ended. */
const hanging = new Set<string>()

/** Answers within the time, also where the check cannot be killed; none joins one that hangs. */
export function runCheck(
  folder: string,
  argv: readonly string[],
  timeoutMs: number,
): Promise<CheckResult> {
  if (hanging.has(folder))
    return Promise.resolve({ ok: false, detail: 'the check before it cannot be killed' })
  return new Promise((resolve) => {
    const child = spawn(nativeProgram('owner'), ['exec', folder, ...argv], {
      env: fixedEnv,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-keptBytes)
    }
    const said = (status: string) => [status, output.trim()].filter(Boolean).join(': ')
    // Without a descriptor left there are no pipes, and an error that nobody heard would end the agent.
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    const timer = setTimeout(() => {
      hanging.add(folder)
      resolve({ ok: false, detail: said(`no answer within ${timeoutMs} ms`) })
      endGroup(child.pid)
      child.unref()
      // What the check left running may hold the pipes; nobody waits for that.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ ok: false, detail: error.message })
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      hanging.delete(folder)
      endGroup(child.pid)
      const status = signal ? `ended by ${signal}` : `exit ${code}`
      setImmediate(() => resolve({ ok: code === 0, detail: said(status) }))
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
