/** Who shows this bearer? The grid's secret, the nodes' secret, or a token won through a proof. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'

import type { Rights } from '../../../proto/rights.ts'
import type { BrainDoor } from '../../brain/door.ts'
import type { Known } from '../../core/identity/access.ts'
import { operatorsWatch } from './operators.ts'
import { keepSecret } from './secret-file.ts'

export type KnowerOptions = {
  dataDir: string
  door: Pick<BrainDoor, 'tokenOwner' | 'roleOf'>
  now: () => number
  /** The account that the scheduler runs as. */
  self: string
  proof: 'secret' | 'file'
}

export const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

export function openKnower(options: KnowerOptions): (bearer: string) => Promise<Known | null> {
  const { dataDir, door, now, self, proof } = options
  const manager: Known = { kind: 'person', owner: self, rights: 'manager' }
  const secret = digest(keepSecret(join(dataDir, 'secret')))
  const nodeSecret = digest(keepSecret(join(dataDir, 'node-secret')))
  const isOperator = operatorsWatch(now)
  const rightsOf = async (owner: string): Promise<Rights> =>
    door.roleOf(owner) ?? ((await isOperator(owner)) ? 'operator' : 'user')

  return async (bearer) => {
    const shown = digest(bearer)
    if (timingSafeEqual(shown, secret)) return manager
    if (timingSafeEqual(shown, nodeSecret)) return { kind: 'node' }
    if (proof === 'secret') return null
    const token = door.tokenOwner(shown.toString('hex'))
    if (token === null || token.expiresAt <= now()) return null
    const { owner } = token
    return owner === self ? manager : { kind: 'person', owner, rights: await rightsOf(owner) }
  }
}
