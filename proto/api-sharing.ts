/** The routes of sharing: members of a named unix group may see, stop and restart an owner's jobs. */
import { Type } from 'typebox'

import { changeErrors, nothing, route } from './route.ts'
import { GroupName, SharingView } from './sharing.ts'

const owner = Type.Optional(
  Type.String({ maxLength: 256, description: 'operators: whose; else the caller' }),
)
const job = Type.Optional(
  Type.String({ maxLength: 200, description: 'this job alone; else all of the owner' }),
)

export const sharingRoutes = {
  listSharing: route({
    method: 'GET',
    path: '/v1/sharing',
    summary: 'With which groups an owner shares, and whose jobs are shared with the caller',
    access: 'user',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({
      sharing: Type.Array(SharingView),
      withMe: Type.Array(SharingView),
    }),
    errors: ['unauthenticated'],
  }),
  addSharing: route({
    method: 'POST',
    path: '/v1/sharing',
    summary: 'Let members of a unix group see, stop and restart jobs',
    access: 'user',
    scope: 'none',
    params: nothing,
    query: nothing,
    body: Type.Object({ group: GroupName, job, owner }),
    reply: SharingView,
    errors: [...changeErrors, 'unavailable', 'over-quota'],
  }),
  removeSharing: route({
    method: 'DELETE',
    path: '/v1/sharing/:group',
    summary: 'End that',
    access: 'user',
    scope: 'none',
    params: Type.Object({ group: GroupName }),
    query: Type.Object({ job, owner }),
    body: nothing,
    reply: nothing,
    errors: changeErrors,
  }),
}
