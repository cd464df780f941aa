/** A way in which an account can prove itself: what each of them must be able to do. */
import type { LoginWay } from '../../../proto/login.ts'
import type { Account } from '../../../src/lib/accounts.ts'

/** `text` binds the challenge to its connection; `credential` is what came with the proof. */
export type Proof = {
  account: Account
  challenge: string
  text: string
  credential: string | undefined
}

export type Way = {
  readonly name: LoginWay
  /** Whether clients are told of it. */
  offered(): Promise<boolean>
  /** Null: may be tried now, by this account; else why not. */
  closedTo(account: Account): Promise<string | null>
  /** Where the account is to write; null: nowhere. */
  fileOf(account: Account, challenge: string): string | null
  /** Null: the account, and nobody else, can have made this; else what is wrong with it. */
  problem(proof: Proof): Promise<string | null>
  close(): Promise<void>
}

/** What comes from other machines proves no root: theirs is not ours. */
export const rootIsFar = (account: Account): string | null =>
  account.uid === 0
    ? 'root of another machine is not root of this grid: log in on the machine of the scheduler, or as an account of your own'
    : null
