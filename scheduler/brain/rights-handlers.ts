/** Handlers of the routes of rights: roles, tokens, identities of nodes, sharing, and the audit log. */
import { done } from '../core/result.ts'
import { listAudit } from './audit.ts'
import type { Handlers } from './call.ts'
import type { BrainContext } from './context.ts'
import { createJoinToken, renewNode, revokeNode } from './node-identity.ts'
import { grantRole, listRoles, revokeRole } from './roles.ts'
import { addSharing, listSharing, removeSharing } from './sharing.ts'
import { createToken, listTokens, revokeToken } from './tokens.ts'

export type RightsRoute =
  | 'listRoles'
  | 'grantRole'
  | 'revokeRole'
  | 'listAudit'
  | 'listTokens'
  | 'createToken'
  | 'revokeToken'
  | 'createJoinToken'
  | 'renewNode'
  | 'revokeNode'
  | 'listSharing'
  | 'addSharing'
  | 'removeSharing'

export function rightsHandlers(ctx: BrainContext): Pick<Handlers, RightsRoute> {
  return {
    listRoles: () => done(listRoles(ctx)),
    grantRole: ({ caller, body }) => grantRole(ctx, caller, body),
    revokeRole: ({ caller, params }) => revokeRole(ctx, caller, params.owner),
    listAudit: (call) => listAudit(ctx, call),
    listTokens: (call) => listTokens(ctx, call),
    createToken: (call) => createToken(ctx, call),
    revokeToken: (call) => revokeToken(ctx, call),
    createJoinToken: (call) => createJoinToken(ctx, call),
    renewNode: (call) => renewNode(ctx, call),
    revokeNode: (call) => revokeNode(ctx, call),
    listSharing: (call) => listSharing(ctx, call),
    addSharing: (call) => addSharing(ctx, call),
    removeSharing: (call) => removeSharing(ctx, call),
  }
}
