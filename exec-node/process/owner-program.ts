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

/** What was asked of helpers that not even SIGKILL has ended: their file system hangs. */
const hanging = new Set<string>()

/** Answers within the time, also where the helper cannot be killed; none joins one that hangs on the same thing. */
export function askOwner(
  args: readonly string[],
  { timeoutMs = 10_000, maxBytes = 16 << 20 } = {},
): Promise<OwnerReply> {
  const what = args.slice(0, 3).join(' ')
  if (hanging.has(what))
    return Promise.resolve({ ok: false, error: 'timed out before, and still hangs' })
  const options = { encoding: 'buffer', env: fixedEnv, cwd: '/', maxBuffer: maxBytes } as const
  return new Promise((resolve) => {
    const child = execFile(nativeProgram('owner'), [...args], options, (error, stdout, stderr) => {
      clearTimeout(timer)
      hanging.delete(what)
      if (!error) resolve({ ok: true, bytes: stdout })
      else resolve({ ok: false, error: wordsOf(stderr.toString()) ?? error.message })
    })
    const timer = setTimeout(() => {
      hanging.add(what)
      resolve({ ok: false, error: 'timed out' })
      child.kill('SIGKILL')
      child.unref()
    }, timeoutMs)
  })
}

/** `CALL ERRNO` as the program says it -> `CALL ENAME`. */
function wordsOf(stderr: string): string | null {
  const found = stderr.match(/^(\w+) (\d+)$/)
  return found ? `${found[1]} ${errorName(Number(found[2]))}` : null
}
