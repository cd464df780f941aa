/** The proof by MUNGE: a credential of the account's uid over the bound text, decoded by this machine's munged. */
import { timingSafeEqual } from 'node:crypto'
import { lstat, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'

import { findAccount, type Account } from '../../../src/lib/accounts.ts'
import { callMunge, defaultMungeSocket } from '../../../src/lib/munge.ts'
import { rootIsFar, type Way } from './way.ts'

/** `socket`: where munged listens; the usual place is used where there is one, a place that was told must be good. */
export async function byMunge(told: string | undefined): Promise<Way> {
  const socket = told ?? defaultMungeSocket
  if (told !== undefined) {
    const problem = await socketProblem(socket)
    // One that is only down may come back; one that others can replace must not be believed, then or now.
    if (problem !== null && problem.kind === 'unsafe') throw new Error(problem.why)
  }
  return {
    name: 'munge',
    offered: async () => told !== undefined || (await socketProblem(socket)) === null,
    async closedTo(account) {
      return (await socketProblem(socket))?.why ?? rootIsFar(account)
    },
    fileOf: () => null,
    async problem({ account, text, credential }) {
      if (credential === undefined) return 'the proof has no MUNGE credential with it'
      const unsafe = await socketProblem(socket)
      if (unsafe !== null) return unsafe.why
      const decoded = await callMunge('unmunge', socket, {
        args: ['--numeric', '--keys', 'STATUS,UID,LENGTH'],
        input: credential,
      })
      if (decoded.ok) return credentialProblem(decoded.out, account, text)
      const { status, problem } = decoded
      if (status === null) return problem
      return `the MUNGE credential was not taken: ${refusals.get(status) ?? problem}`
    },
    close: async () => {},
  }
}

/** By the exit statuses of unmunge, which are those of munge.h. */
const refusals: ReadonlyMap<number, string> = new Map([
  [8, 'it is no credential'],
  [
    14,
    'it was made with another key (EMUNGE_CRED_INVALID): munge.key must be the same on both machines',
  ],
  [
    15,
    'it has expired (EMUNGE_CRED_EXPIRED): it was kept too long, or the clocks of both machines differ',
  ],
  [16, 'it was made in the future (EMUNGE_CRED_REWOUND): compare the clocks of both machines'],
  [17, 'it was shown before (EMUNGE_CRED_REPLAYED)'],
  [18, 'it is meant for another account to decode (EMUNGE_CRED_UNAUTHORIZED)'],
])

/** What unmunge prints: lines of metadata, an empty line, the payload as it was. */
async function credentialProblem(
  out: Buffer,
  account: Account,
  text: string,
): Promise<string | null> {
  const end = out.indexOf('\n\n')
  const payload = out.subarray(end + 2)
  const metadata = new Map(
    out
      .toString('latin1', 0, end)
      .split('\n')
      .map((line): [string, string] => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon), line.slice(colon + 1).trim()]
      }),
  )
  const [status, uid, length] = ['STATUS', 'UID', 'LENGTH'].map((key) => metadata.get(key) ?? '')
  if (
    end < 0 ||
    status !== '0' ||
    !/^\d{1,10}$/.test(uid ?? '') ||
    Number(length) !== payload.length
  )
    return 'the answer of unmunge cannot be read'
  if (Number(uid) !== account.uid) {
    const other = await findAccount(uid ?? '').catch(() => null)
    return (
      `the MUNGE credential is of uid ${uid} (here ${other?.name ?? 'nobody'}), and ${account.name} has uid ` +
      `${account.uid} here: accounts must have the same numbers on both machines`
    )
  }
  const wanted = Buffer.from(text)
  return payload.length === wanted.length && timingSafeEqual(payload, wanted)
    ? null
    : 'the MUNGE credential was made for another challenge or another connection'
}

const freshMs = 60_000
let known: { at: number; uid: Promise<number | null> } | null = null

/** Asked of the machine at most every minute: whoever asks who answers here would start a process each time. */
function mungeUid(): Promise<number | null> {
  if (known === null || performance.now() - known.at > freshMs) {
    const uid = findAccount('munge').then(
      (account) => account?.uid ?? null,
      () => null,
    )
    known = { at: performance.now(), uid }
  }
  return known.uid
}

type SocketProblem = { kind: 'away' | 'unsafe'; why: string }

/** Whoever can put a socket of his own there could be anybody to us. */
async function socketProblem(socket: string): Promise<SocketProblem | null> {
  try {
    const folder = await realpath(dirname(socket))
    const [around, own] = [await lstat(folder), await lstat(socket)]
    const trusted = [0, process.getuid?.(), await mungeUid()]
    const bad = [around, own].find(({ uid }) => !trusted.includes(uid))
    if (!own.isSocket() || bad !== undefined || (around.mode & 0o022) !== 0) {
      const why = `${socket} must be a socket of root or the account munge, in a folder that nobody else can write`
      return { kind: 'unsafe', why }
    }
    return null
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such socket' : message
    return {
      kind: 'away',
      why: `munged does not listen at ${socket} on the scheduler's machine (${why}); start it there`,
    }
  }
}
