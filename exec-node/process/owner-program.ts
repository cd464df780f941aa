/** Runs native/owner: whatever touches an owner's paths does so in a short-lived process as the owner. */
import { execFile } from 'node:child_process'

import { errorName } from './errno.ts'
import { fixedEnv, nativeProgram } from './native-program.ts'
import type { Identity } from './run-driver.ts'

export type OwnerReply = { ok: true; bytes: Buffer } | { ok: false; error: string }

/** `-` keeps who one is: an agent that is not root serves its own account only. */
export function identityArgument(identity: Identity): string {
  if (process.getuid?.() !== 0) return '-'
  return `${identity.uid}:${identity.gid}:${identity.groups.join(',')}`
}

export function askOwner(
  args: readonly string[],
  { timeoutMs = 10_000, maxBytes = 16 << 20 } = {},
): Promise<OwnerReply> {
  const options = {
    encoding: 'buffer',
    env: fixedEnv,
    cwd: '/',
    timeout: timeoutMs,
    maxBuffer: maxBytes,
    killSignal: 'SIGKILL',
  } as const
  return new Promise((resolve) => {
    execFile(nativeProgram('owner'), [...args], options, (error, stdout, stderr) => {
      if (!error) resolve({ ok: true, bytes: stdout })
      else
        resolve({
          ok: false,
          error: error.killed ? 'timed out' : (wordsOf(stderr.toString()) ?? error.message),
        })
    })
  })
}

/** `CALL ERRNO` as the program says it -> `CALL ENAME`. */
function wordsOf(stderr: string): string | null {
  const found = stderr.match(/^(\w+) (\d+)$/)
  return found ? `${found[1]} ${errorName(Number(found[2]))}` : null
}
