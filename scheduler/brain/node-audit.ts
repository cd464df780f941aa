/** What the audit log says of changes to nodes. */
import type { LiveNode } from '../state/live-node.ts'
import { audit } from './audit.ts'
import type { Caller } from './call.ts'
import type { BrainContext } from './context.ts'

export function auditNode(
  ctx: BrainContext,
  caller: Caller,
  verb: string,
  node: { name: string },
  before: unknown,
  after: unknown,
): void {
  audit(ctx, caller, { what: `node ${verb}`, about: `node ${node.name}`, before, after })
}

export const drainOf = ({ drain }: LiveNode): object => {
  if (drain === null) return { drain: null }
  const { by, reason, deadlineAt, then, atOnce } = drain
  return { drain: { by, reason, deadlineAt, then, atOnce } }
}

export const cordonsOf = (node: LiveNode): object => {
  const { operatorCordon, healthCordon, twinCordon, quarantine } = node
  if (operatorCordon) return { cordoned: 'by an operator', reason: operatorCordon.reason }
  if (healthCordon ?? twinCordon ?? quarantine) return { cordoned: 'by the grid' }
  return { cordoned: null }
}
