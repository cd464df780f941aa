/** The routes of rights and of the audit log, which no route changes. */
import { Type } from 'typebox'

import { Instant, Nullable } from './ids.ts'
import { AccountName, AuditEntry, RoleName, RoleView } from './rights.ts'
import { changeErrors, nothing, route } from './route.ts'

export const rightsRoutes = {
  listRoles: route({
    method: 'GET',
    path: '/v1/roles',
    summary: 'Who is operator or manager',
    access: 'user',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({
      roles: Type.Array(RoleView),
      operatorsGroup: Type.String({ description: 'unix group whose members are operators too' }),
    }),
    errors: ['unauthenticated'],
  }),
  grantRole: route({
    method: 'POST',
    path: '/v1/roles',
    summary: 'Make an account operator or manager',
    access: 'manager',
    params: nothing,
    query: nothing,
    body: Type.Object({ owner: AccountName, role: RoleName }),
    reply: RoleView,
    errors: [...changeErrors, 'unavailable'],
  }),
  revokeRole: route({
    method: 'DELETE',
    path: '/v1/roles/:owner',
    summary: 'Take its role from an account',
    access: 'manager',
    params: Type.Object({ owner: AccountName }),
    query: nothing,
    body: nothing,
    reply: nothing,
    errors: changeErrors,
  }),
  listAudit: route({
    method: 'GET',
    path: '/v1/audit',
    summary: 'What was changed, newest first; of users only by them or of theirs',
    access: 'user',
    params: nothing,
    query: Type.Object({
      by: Type.Optional(Type.String({ maxLength: 256, description: 'who did it' })),
      owner: Type.Optional(Type.String({ maxLength: 256, description: 'whose it is' })),
      what: Type.Optional(Type.String({ maxLength: 100 })),
      job: Type.Optional(Type.Integer({ minimum: 1 })),
      node: Type.Optional(Type.String({ maxLength: 63 })),
      since: Type.Optional(Instant),
      until: Type.Optional(Instant),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      page: Type.Optional(Type.String({ maxLength: 20 })),
    }),
    body: nothing,
    reply: Type.Object({ entries: Type.Array(AuditEntry), next: Nullable(Type.String()) }),
    errors: ['unauthenticated', 'invalid'],
  }),
}
