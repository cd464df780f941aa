/** Logins: a challenge for an account, and a token for whoever proves to be that account on the same connection. */
import { randomBytes } from 'node:crypto'

import { iso } from '../../../proto/ids.ts'
import { loginWays, type LoginWay } from '../../../proto/login.ts'
import { findAccount } from '../../../src/lib/accounts.ts'
import { proofText } from '../../../src/lib/proof-text.ts'
import { done, refuse, type Result } from '../../brain/call.ts'
import type { BrainDoor } from '../../brain/door.ts'
import type { Challenges } from './challenges.ts'
import { digest } from './knower.ts'
import type { Way } from './way.ts'

export type Login = { challenge: string; nonce: string; way: LoginWay; file: string | null }
export type Token = { token: string; owner: string; way: LoginWay; expiresAt: string }
/** `socket` stands for the TCP connection; `name` is what both its ends call it, null when it has ended. */
export type Connection = { socket: object; name: string | null }
/** `asker` is whoever holds its other end. */
export type Asking = { user: string; way: LoginWay; asker: string }
export type Shown = { challenge: string; credential?: string | undefined }

export type Logins = {
  /** In which accounts can prove themselves now, the surest first. */
  ways(): Promise<LoginWay[]>
  login(asking: Asking, connection: Connection): Promise<Result<Login>>
  prove(shown: Shown, connection: Connection): Promise<Result<Token>>
}

/** Proofs of a way that are looked at at a time: each may keep a process waiting for a file server, and no other way. */
const mostUnderWay = 32
const tooMany = (what: string) => refuse('too-many-requests', what, 'wait some seconds')

const tokenMs = 12 * 3_600_000

export function openLogins(
  ways: readonly Way[],
  challenges: Challenges,
  { door, now }: { door: Pick<BrainDoor, 'recordToken'>; now: () => number },
): Logins {
  const underWay = new Map<LoginWay, number>()
  const count = (way: LoginWay, by: number) => underWay.set(way, (underWay.get(way) ?? 0) + by)
  const wayOf = (name: LoginWay) => ways.find((way) => way.name === name)
  return {
    async ways() {
      const offered = await Promise.all(ways.map(async (way) => (await way.offered()) && way.name))
      return loginWays.filter((name) => offered.includes(name))
    },
    async login({ user, way: name, asker }, { socket }) {
      if (!challenges.mayAsk(asker, now())) {
        return tooMany('too many logins in a short time')
      }
      const way = wayOf(name)
      if (way === undefined)
        return refuse('invalid', `this scheduler takes no proof by ${name}`, offHint[name])
      const account = await findAccount(user)
      // A number is looked up as a uid; only the name itself will do.
      if (account?.name !== user)
        return refuse('invalid', `the scheduler's machine has no account ${user}`)
      const closed = await way.closedTo(account)
      if (closed !== null) return refuse('unauthenticated', closed)
      const { id, nonce } = challenges.give({ account, way: name, socket, asker }, now())
      return done({ challenge: id, nonce, way: name, file: way.fileOf(account, id) })
    },
    async prove({ challenge, credential }, { socket, name: connection }) {
      const asked = challenges.wayOf(challenge)
      if (asked !== undefined && (underWay.get(asked) ?? 0) >= mostUnderWay)
        return tooMany('too many logins at a time')
      const taken = challenges.take(challenge, socket, now())
      if (taken === null || connection === null) {
        return refuse(
          'unauthenticated',
          'no such challenge waits on this connection: it was used, is over 30 s old, or came by another',
          'begin again with POST /v1/login, and prove on the same connection',
        )
      }
      const { account, nonce, way } = taken
      const text = proofText({ way, user: account.name, challenge, nonce, connection })
      count(way, 1)
      const problem = await wayOf(way)
        ?.problem({ account, challenge, text, credential })
        .finally(() => count(way, -1))
      if (problem !== null) return refuse('unauthenticated', problem ?? `no proof by ${way} here`)
      const token = randomBytes(32).toString('hex')
      const expiresAt = now() + tokenMs
      door.recordToken({ hash: digest(token).toString('hex'), owner: account.name, expiresAt })
      return done({ token, owner: account.name, way, expiresAt: iso(expiresAt) })
    },
  }
}

const offHint: Readonly<Record<LoginWay, string>> = {
  file: 'ask for another way',
  munge: 'start munged on its machine, or name its socket with --munge-socket',
  home: 'start it with --shared-homes where homes are shared',
}
