/** The routes of nodes, for people. */
import { Type } from 'typebox'

import { NodeNameSchema } from './ids.ts'
import { DrainRequest, DrainView, NodeView } from './node.ts'
import { changeErrors, nothing, Reason, route } from './route.ts'

const byNode = Type.Object({ node: NodeNameSchema })

export const nodeRoutes = {
  listNodes: route({
    method: 'GET',
    path: '/v1/nodes',
    summary: 'List nodes',
    access: 'user',
    params: nothing,
    query: nothing,
    body: nothing,
    reply: Type.Object({ nodes: Type.Array(NodeView) }),
    errors: ['unauthenticated'],
  }),
  showNode: route({
    method: 'GET',
    path: '/v1/nodes/:node',
    summary: 'One node with health and drain',
    access: 'user',
    params: byNode,
    query: nothing,
    body: nothing,
    reply: NodeView,
    errors: ['unauthenticated', 'not-found'],
  }),
  cordonNode: route({
    method: 'POST',
    path: '/v1/nodes/:node/cordon',
    summary: 'Stop new placements',
    access: 'operator',
    params: byNode,
    query: nothing,
    body: Reason,
    reply: NodeView,
    errors: changeErrors,
  }),
  uncordonNode: route({
    method: 'POST',
    path: '/v1/nodes/:node/uncordon',
    summary: 'Allow new placements',
    access: 'operator',
    params: byNode,
    query: nothing,
    body: nothing,
    reply: NodeView,
    errors: changeErrors,
  }),
  drainNode: route({
    method: 'POST',
    path: '/v1/nodes/:node/drain',
    summary: 'Move work off the node, then hold it empty',
    access: 'operator',
    params: byNode,
    query: nothing,
    body: DrainRequest,
    reply: DrainView,
    errors: changeErrors,
  }),
  undrainNode: route({
    method: 'POST',
    path: '/v1/nodes/:node/undrain',
    summary: 'End a drain',
    access: 'operator',
    params: byNode,
    query: nothing,
    body: nothing,
    reply: NodeView,
    errors: changeErrors,
  }),
  loseNode: route({
    method: 'POST',
    path: '/v1/nodes/:node/lost',
    summary: 'Confirm that nothing runs there any more',
    access: 'operator',
    params: byNode,
    query: nothing,
    body: Type.Intersect([Reason, Type.Object({ confirmed: Type.Literal(true) })]),
    reply: NodeView,
    errors: changeErrors,
  }),
  removeNode: route({
    method: 'DELETE',
    path: '/v1/nodes/:node',
    summary: 'Forget an empty node',
    access: 'operator',
    params: byNode,
    query: nothing,
    body: nothing,
    reply: nothing,
    errors: changeErrors,
  }),
}
