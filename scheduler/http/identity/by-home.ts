/** The proof over a shared home: a file in the account's own directory, read by a helper that has become the account. */
import { timingSafeEqual } from 'node:crypto'

import type { Account } from '../../../src/lib/accounts.ts'
import { nativeProgram } from '../../../src/lib/native-program.ts'
import { homeProofFileOf } from '../../../src/lib/proof-folder.ts'
import { runProgram } from '../../../src/lib/short-program.ts'
import { rootIsFar, type Way } from './way.ts'

/** Longer than the helper waits for a name that a file server shows late. */
const usualTimeoutMs = 10_000
const maxBytes = 8192

export function byHome(timeoutMs = usualTimeoutMs): Way {
  /** Accounts whose helper not even SIGKILL has ended: no second one shall hang beside it. */
  const hanging = new Set<number>()
  const hangs = ({ home }: Account) =>
    `the home ${home} does not answer on the scheduler's machine: its file server hangs`
  return {
    name: 'home',
    offered: async () => true,
    async closedTo(account) {
      return hanging.has(account.uid) ? hangs(account) : rootIsFar(account)
    },
    fileOf: ({ home }, challenge) => homeProofFileOf(home, challenge),
    async problem({ account, challenge, text }) {
      const { uid, gid, home } = account
      if (hanging.has(uid)) return hangs(account)
      const args = [...identityOf(uid, gid), home, challenge]
      const ran = await runProgram(nativeProgram('home-proof'), args, { timeoutMs, maxBytes })
      if (ran.kind === 'late') {
        hanging.add(uid)
        void ran.gone.then(() => hanging.delete(uid))
        return hangs(account)
      }
      const file = homeProofFileOf(home, challenge)
      const problem = ran.error === null ? contentProblem(ran.stdout, text) : wordsOf(ran)
      return problem && `${file} does not prove ${account.name}: ${problem}`
    },
    close: async () => {},
  }
}

/** Who is not root reads as himself. */
const identityOf = (uid: number, gid: number): string[] =>
  process.getuid?.() === 0 ? [String(uid), String(gid)] : ['-', '-']

const wordsOf = ({ error, stderr }: { error: Error | null; stderr: Buffer }): string =>
  stderr.toString().trim() || String(error?.message)

function contentProblem(found: Buffer, text: string): string | null {
  const wanted = Buffer.from(text)
  return found.length === wanted.length && timingSafeEqual(found, wanted)
    ? null
    : 'the file there does not hold this challenge and this connection'
}
