/** Runs native/owner: whatever touches an owner's paths does so in a short-lived process as the owner. */
import { nativeProgram } from '../../src/lib/native-program.ts'
import { runProgram } from '../../src/lib/short-program.ts'
import { errorName } from './errno.ts'
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
export async function askOwner(
  args: readonly string[],
  { timeoutMs = 10_000, maxBytes = 16 << 20 } = {},
): Promise<OwnerReply> {
  const what = args.slice(0, 3).join(' ')
  if (hanging.has(what)) return { ok: false, error: 'timed out before, and still hangs' }
  const ran = await runProgram(nativeProgram('owner'), args, { timeoutMs, maxBytes })
  if (ran.kind === 'late') {
    hanging.add(what)
    void ran.gone.then(() => hanging.delete(what))
    return { ok: false, error: 'timed out' }
  }
  if (ran.error === null) return { ok: true, bytes: ran.stdout }
  return { ok: false, error: wordsOf(ran.stderr.toString()) ?? ran.error.message }
}

/** `CALL ERRNO` as the program says it -> `CALL ENAME`. */
function wordsOf(stderr: string): string | null {
  const found = stderr.match(/^(\w+) (\d+)$/)
  return found ? `${found[1]} ${errorName(Number(found[2]))}` : null
}
