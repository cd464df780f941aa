/** Handlers of the routes of rights: roles, tokens, sharing, and the audit log. */
import { done } from '../core/result.ts'
import { listAudit } from './audit.ts'
import type { Handlers } from './call.ts'
import type { BrainContext } from './context.ts'
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
    listSharing: (call) => listSharing(ctx, call),
    addSharing: (call) => addSharing(ctx, call),
    removeSharing: (call) => removeSharing(ctx, call),
  }
}
