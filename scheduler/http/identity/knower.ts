/** Who shows this bearer? The grid's secret, the nodes' secret, a token won through a proof, or one for a program. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'

import { iso } from '../../../proto/ids.ts'
import { parseNodeIdentity } from '../../../proto/node-identity.ts'
import type { Rights } from '../../../proto/rights.ts'
import { parseToken, type Scope } from '../../../proto/token.ts'
import { keepSecret } from '../../../src/lib/secret-file.ts'
import type { BrainDoor } from '../../brain/door.ts'
import type { Known, Unknown } from '../../core/identity/access.ts'
import { isOwnOnly, rightsWith } from '../../core/identity/scope.ts'
import { groupsWatch } from './groups.ts'
import { operatorsWatch } from './operators.ts'

export type KnowerOptions = {
  dataDir: string
  door: Pick<
    BrainDoor,
    'tokenOwner' | 'roleOf' | 'apiToken' | 'isShared' | 'nodeKey' | 'newKeyShown'
  >
  now: () => number
  /** The account that the scheduler runs as. */
  self: string
  proof: 'secret' | 'file'
  /** Left out: the machine is asked. */
  lookGroups?: (owner: string) => Promise<string[]>
}

type Shown = { id: number; secret: string }

const gone = (detail: string): Unknown => ({
  kind: 'refused',
  refusal: {
    code: 'unauthenticated',
    detail,
    hint: 'its owner makes another with `eg token create`',
  },
})

export const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

export function openKnower(
  options: KnowerOptions,
): (bearer: string) => Promise<Known | Unknown | null> {
  const { dataDir, door, now, self, proof } = options
  const manager: Known = { kind: 'person', owner: self, rights: 'manager', token: null }
  const secret = digest(keepSecret(join(dataDir, 'secret')))
  const nodeSecret = digest(keepSecret(join(dataDir, 'node-secret')))
  const isOperator = operatorsWatch(now)
  const rightsOf = async (owner: string): Promise<Rights> =>
    door.roleOf(owner) ?? ((await isOperator(owner)) ? 'operator' : 'user')

  const groupsOf = groupsWatch(now, options.lookGroups)
  const sharedWith = async (owner: string) =>
    door.isShared && proof === 'file' ? { groups: await groupsOf(owner) } : {}

  const programOf = async ({ id, secret: shown }: Shown): Promise<Known | Unknown | null> => {
    const row = door.apiToken(id)
    if (row === null || !timingSafeEqual(digest(shown), Buffer.from(row.hash, 'hex'))) return null
    const { owner, name, expiresAt, revokedAt, revokedBy } = row
    if (revokedAt !== null)
      return gone(`the token "${name}" was revoked by ${revokedBy} at ${iso(revokedAt)}`)
    if (expiresAt <= now()) return gone(`the token "${name}" expired at ${iso(expiresAt)}`)
    const token = { id, name, scopes: JSON.parse(row.scopesJson) as Scope[] }
    const rights = rightsWith(token, owner === self ? 'manager' : await rightsOf(owner))
    return {
      kind: 'person',
      owner,
      rights,
      token,
      ...(isOwnOnly(token) ? {} : await sharedWith(owner)),
    }
  }

  return async (bearer) => {
    const shown = digest(bearer)
    if (timingSafeEqual(shown, secret)) return manager
    if (timingSafeEqual(shown, nodeSecret)) return { kind: 'node', node: null }
    const ofNode = parseNodeIdentity(bearer)
    if (ofNode !== null) return nodeOf(door, ofNode)
    const ofProgram = parseToken(bearer)
    if (ofProgram !== null) return programOf(ofProgram)
    if (proof === 'secret') return null
    const token = door.tokenOwner(shown.toString('hex'))
    if (token === null || token.expiresAt <= now()) return null
    const { owner } = token
    if (owner === self) return manager
    const rights = await rightsOf(owner)
    return { kind: 'person', owner, rights, token: null, ...(await sharedWith(owner)) }
  }
}

/** The newest secret, or the one before it until the newest was shown. */
function nodeOf(
  door: Pick<BrainDoor, 'nodeKey' | 'newKeyShown'>,
  { node, secret }: { node: string; secret: string },
): Known | null {
  const key = door.nodeKey(node)
  if (key === null) return null
  const hash = digest(secret)
  const is = (known: string | null) =>
    known !== null && timingSafeEqual(hash, Buffer.from(known, 'hex'))
  const isNew = is(key.hash)
  if (isNew && key.oldHash !== null) door.newKeyShown(node)
  return isNew || is(key.oldHash) ? { kind: 'node', node } : null
}
