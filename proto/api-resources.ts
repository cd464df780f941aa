/** The routes of named resources. */
import { Type } from 'typebox'

import { NodeNameSchema } from './ids.ts'
import { ResourceDetail, ResourceRequest, ResourceView } from './named-resource.ts'
import { changeErrors, nothing, route } from './route.ts'

const byResource = Type.Object({ resource: Type.String({ maxLength: 200 }) })

export const resourceRoutes = {
  listResources: route({
    method: 'GET',
    path: '/v1/resources',
    summary: 'All named resources: how much there is, is taken, and is waited for',
    access: 'user',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({ resources: Type.Array(ResourceView) }),
    errors: ['unauthenticated'],
  }),
  showResource: route({
    method: 'GET',
    path: '/v1/resources/:resource',
    summary: 'A named resource: who holds how much of it since when, and who waits for it',
    access: 'user',
    params: byResource,
    query: nothing,
    body: nothing,
    reply: ResourceDetail,
    errors: ['unauthenticated', 'not-found'],
  }),
  setResource: route({
    method: 'POST',
    path: '/v1/resources',
    summary:
      'Say how much there is of a resource, in the grid or on a node; what is held stays held',
    access: 'operator',
    params: nothing,
    query: nothing,
    body: ResourceRequest,
    reply: ResourceView,
    errors: [...changeErrors, 'refused'],
  }),
  removeResource: route({
    method: 'DELETE',
    path: '/v1/resources/:resource',
    summary: 'Forget a resource that nothing asks for, or what one node has of it',
    access: 'operator',
    params: byResource,
    query: Type.Object({ node: Type.Optional(NodeNameSchema) }),
    body: nothing,
    reply: nothing,
    errors: [...changeErrors, 'refused'],
  }),
}
