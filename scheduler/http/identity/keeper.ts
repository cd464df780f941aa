/** Makes callers known: by secrets and tokens that they show, by a proof that wins one. */
import { accountName } from '../../../src/lib/accounts.ts'
import { proofFolderOf } from '../../../src/lib/proof-folder.ts'
import { refuse } from '../../brain/call.ts'
import type { BrainDoor } from '../../brain/door.ts'
import type { Known, Unknown } from '../../core/identity/access.ts'
import { byFile } from './by-file.ts'
import { byHome } from './by-home.ts'
import { byMunge } from './by-munge.ts'
import { Challenges } from './challenges.ts'
import { openKnower } from './knower.ts'
import { openLogins, type Logins } from './logins.ts'

export type IdentityKeeper = Logins & {
  /** `secret`: a private grid, all of whose jobs run as its own account. `file`: run by root, for all accounts. */
  readonly proof: 'secret' | 'file'
  readonly proofFolder: string | null
  who(bearer: string): Promise<Known | Unknown | null>
  close(): Promise<void>
}

/** Beside the file on the scheduler's own machine. */
export type LoginOptions = {
  /** Left out: the usual one, where munged listens there; `none`: MUNGE is not used. */
  mungeSocket?: string | undefined
  /** The site says that homes are the same on all machines, and that their file server is to be trusted. */
  sharedHomes?: boolean | undefined
}

export type IdentityOptions = LoginOptions & {
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

export async function openIdentity(options: IdentityOptions): Promise<IdentityKeeper> {
  const { port, door, now, mungeSocket, sharedHomes } = options
  const uid = process.getuid?.() ?? 0
  const proof = options.proof ?? (uid === 0 ? 'file' : 'secret')
  const who = openKnower({ ...options, proof, self: await accountName(uid) })
  if (proof === 'secret' && (sharedHomes === true || ![undefined, 'none'].includes(mungeSocket)))
    throw new Error(
      '--munge-socket and --shared-homes are for a grid that root runs; this one is private to its account and takes no logins',
    )
  if (proof === 'secret') return { proof, proofFolder: null, who, ...noProof }
  const challenges = new Challenges()
  const proofFolder = proofFolderOf(port)
  const munge = mungeSocket === 'none' ? [] : [await byMunge(mungeSocket)]
  const home = sharedHomes === true ? [byHome()] : []
  const ways = [await byFile(proofFolder, (id) => challenges.isWaiting(id)), ...munge, ...home]
  return {
    proof,
    proofFolder,
    who,
    ...openLogins(ways, challenges, { door, now }),
    async close() {
      for (const way of ways) await way.close()
    },
  }
}

const isPrivate = async () =>
  refuse(
    'unauthenticated',
    'this grid is private to the account that runs it and takes no logins',
    'show the secret of its data folder',
  )
const noProof = { ways: async () => [], login: isPrivate, prove: isPrivate, close: async () => {} }
