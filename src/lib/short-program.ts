/** Short-lived programs that are asked: answered for within the time, also where not even SIGKILL ends them. */
import { execFile, type ExecFileException } from 'node:child_process'

import { fixedEnv } from './native-program.ts'

export type Ran =
  | { kind: 'ended'; error: ExecFileException | null; stdout: Buffer; stderr: Buffer }
  /** Killed, and not waited for: a file system that hangs may hold it. `gone` resolves when it has ended. */
  | { kind: 'late'; gone: Promise<void> }

export type Bounds = {
  timeoutMs: number
  maxBytes?: number
  /** What it reads from its standard input; left out: it reads none. */
  input?: string
}

export function runProgram(
  program: string,
  args: readonly string[],
  { timeoutMs, maxBytes = 1 << 20, input }: Bounds,
): Promise<Ran> {
  const options = { encoding: 'buffer', env: fixedEnv, cwd: '/', maxBuffer: maxBytes } as const
  return new Promise((resolve) => {
    const gone = new Promise<void>((isGone) => {
      const child = execFile(program, [...args], options, (error, stdout, stderr) => {
        clearTimeout(timer)
        isGone()
        resolve({ kind: 'ended', error, stdout, stderr })
      })
      const timer = setTimeout(() => {
        resolve({ kind: 'late', gone })
        child.kill('SIGKILL')
        child.unref()
      }, timeoutMs)
      if (input === undefined) return
      // One that ends without having read is told by its end.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  })
}
