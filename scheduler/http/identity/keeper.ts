/** Makes callers known: by secrets and tokens that they show, by a proof that wins one. */
import { randomBytes } from 'node:crypto'
import { rmdir } from 'node:fs/promises'

import { iso } from '../../../proto/ids.ts'
import { accountName, findAccount } from '../../../src/lib/accounts.ts'
import { proofFileOf, proofFolderOf } from '../../../src/lib/proof-folder.ts'
import { done, refuse, type Result } from '../../brain/call.ts'
import type { BrainDoor } from '../../brain/door.ts'
import type { Known, Unknown } from '../../core/identity/access.ts'
import { Challenges } from './challenges.ts'
import { digest, openKnower } from './knower.ts'
import { makeProofFolder, proofProblem, sweepProofFolder } from './proof-place.ts'

export type Login = { challenge: string; nonce: string; file: string }
export type Token = { token: string; owner: string; expiresAt: string }

export type IdentityKeeper = {
  /** `secret`: a private grid, all of whose jobs run as its own account. `file`: run by root, for all accounts. */
  readonly proof: 'secret' | 'file'
  readonly proofFolder: string | null
  who(bearer: string): Promise<Known | Unknown | null>
  /** `connection` stands for the TCP connection; `asker` for whoever holds its other end. */
  login(user: string, connection: object, asker: string): Promise<Result<Login>>
  prove(challenge: string, connection: object): Promise<Result<Token>>
  close(): Promise<void>
}

export type IdentityOptions = {
  dataDir: string
  port: number
  door: Pick<
    BrainDoor,
    'recordToken' | 'tokenOwner' | 'roleOf' | 'apiToken' | 'isShared' | 'nodeKey' | 'newKeyShown'
  >
  now: () => number
  /** Left out: by file where root runs the grid, else by secret. */
  proof?: 'secret' | 'file' | undefined
}

const tokenMs = 12 * 3_600_000
const sweepMs = 60_000

export async function openIdentity(options: IdentityOptions): Promise<IdentityKeeper> {
  const { port, door, now } = options
  const uid = process.getuid?.() ?? 0
  const proof = options.proof ?? (uid === 0 ? 'file' : 'secret')
  const who = openKnower({ ...options, proof, self: await accountName(uid) })
  if (proof === 'secret') return { proof, proofFolder: null, who, ...noProof }
  return { proof, who, ...(await fileProof(proofFolderOf(port), { door, now })) }
}

const isPrivate = async () =>
  refuse(
    'unauthenticated',
    'this grid is private to the account that runs it and takes no logins',
    'show the secret of its data folder',
  )
const noProof = { login: isPrivate, prove: isPrivate, close: async () => {} }

async function fileProof(
  proofFolder: string,
  { door, now }: Pick<IdentityOptions, 'door' | 'now'>,
): Promise<Omit<IdentityKeeper, 'proof' | 'who'>> {
  const challenges = new Challenges()
  await makeProofFolder(proofFolder)
  const sweep = () => sweepProofFolder(proofFolder, (entry) => challenges.isWaiting(entry))
  await sweep()
  const sweeping = setInterval(() => void sweep(), sweepMs)
  sweeping.unref()
  return {
    proofFolder,
    async login(user, connection, asker) {
      if (!challenges.mayAsk(asker, now())) {
        return refuse('too-many-requests', 'too many logins in a short time', 'wait some seconds')
      }
      const account = await findAccount(user)
      // A number is looked up as a uid; only the name itself will do.
      if (account?.name !== user) return refuse('invalid', `this machine has no account ${user}`)
      const { id, nonce } = challenges.give(account, connection, asker, now())
      return done({ challenge: id, nonce, file: proofFileOf(proofFolder, id) })
    },
    async prove(challenge, connection) {
      const taken = challenges.take(challenge, connection, now())
      if (taken === null) {
        return refuse(
          'unauthenticated',
          'no such challenge waits on this connection: it was used, is over 30 s old, or came by another',
          'begin again with POST /v1/login, and prove on the same connection',
        )
      }
      const { account, nonce } = taken
      const problem = await proofProblem(proofFolder, challenge, account.uid, nonce)
      const file = proofFileOf(proofFolder, challenge)
      if (problem !== null) {
        return refuse('unauthenticated', `${file} does not prove ${account.name}: ${problem}`)
      }
      const token = randomBytes(32).toString('hex')
      const expiresAt = now() + tokenMs
      door.recordToken({ hash: digest(token).toString('hex'), owner: account.name, expiresAt })
      return done({ token, owner: account.name, expiresAt: iso(expiresAt) })
    },
    async close() {
      clearInterval(sweeping)
      await sweepProofFolder(proofFolder, () => false)
      await rmdir(proofFolder).catch(() => {})
    },
  }
}
