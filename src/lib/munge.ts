/** MUNGE through its own programs: a credential tells, on every host with the same key, which uid has made it. */
import { runProgram } from './short-program.ts'

export const defaultMungeSocket = '/run/munge/munge.socket.2'

/** Far more than a credential of ours takes. */
const maxBytes = 65_536
/** munged answers in a millisecond; libmunge itself gives up on a hung one only after several tries. */
const timeoutMs = 10_000
/** Exit statuses of both programs are those of munge.h. */
const daemonAway = new Set([6, 7])

export type Munged =
  | { ok: true; out: Buffer }
  /** `status`: of the credential, as in munge.h; null where none was looked at. */
  | { ok: false; status: number | null; problem: string; out: Buffer }

/** No shell: the arguments reach the program as they are. */
export async function callMunge(
  program: 'munge' | 'unmunge',
  socket: string,
  { args = [], input }: { args?: readonly string[]; input: string },
): Promise<Munged> {
  const ran = await runProgram(program, [...args, '--socket', socket], {
    timeoutMs,
    maxBytes,
    input,
  })
  const none = { ok: false, status: null, out: Buffer.alloc(0) } as const
  if (ran.kind === 'late') {
    return {
      ...none,
      problem: `munged at ${socket} did not answer within ${timeoutMs / 1000} s; restart it`,
    }
  }
  const { error, stdout, stderr } = ran
  if (error === null) return { ok: true, out: stdout }
  if (error.code === 'ENOENT') {
    return {
      ...none,
      problem: `there is no program ${program} on this machine; install MUNGE (Debian: apt install munge)`,
    }
  }
  const said = stderr.toString().trim().slice(0, 300)
  if (typeof error.code !== 'number' || daemonAway.has(error.code)) {
    const why = said || error.message
    return {
      ...none,
      problem: `munged cannot be reached at ${socket} (${why}); start it, for example with "systemctl start munge"`,
    }
  }
  return { ok: false, status: error.code, problem: said, out: stdout }
}
