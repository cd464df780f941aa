/** Who may do what, and what was done: roles, and entries of the audit log. */
import { Type, type Static } from 'typebox'

import { Instant, Nullable } from './ids.ts'

export const roles = ['operator', 'manager'] as const
export type Role = (typeof roles)[number]
/** `user` is who has no role. */
export type Rights = 'user' | Role
export const allRights = ['user', ...roles] as const

export const RoleName = Type.Unsafe<Role>({ type: 'string', enum: [...roles] })
export const RightsName = Type.Unsafe<Rights>({ type: 'string', enum: [...allRights] })

/** Name of an account; whether the machine has it is looked up. */
export const AccountName = Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\s:/]+$' })

export const RoleView = Type.Object({
  owner: Type.String(),
  role: RoleName,
  by: Nullable(
    Type.String({ description: 'who granted it; null of the account that runs the grid' }),
  ),
  at: Nullable(Instant),
})
export type RoleView = Static<typeof RoleView>

export const AuditEntry = Type.Object({
  id: Type.Integer(),
  at: Instant,
  by: Type.String(),
  rights: RightsName,
  from: Type.String({ description: 'address that the call came from' }),
  what: Type.String({ description: 'as one types it after eg: `stop`, `node drain`' }),
  about: Type.String({ description: 'what was changed: `job 17`, `node n1`' }),
  job: Nullable(Type.Integer()),
  toJob: Nullable(Type.Integer({ description: 'last of several jobs with neighbouring numbers' })),
  owner: Nullable(Type.String({ description: 'whose it is; null of nodes and of the grid' })),
  before: Type.Unknown(),
  after: Type.Unknown(),
})
export type AuditEntry = Static<typeof AuditEntry>
