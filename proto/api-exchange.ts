/** The routes that exec-nodes call. */
import { Type } from 'typebox'

import { NodeNameSchema } from './ids.ts'
import { nothing, route } from './route.ts'
import { Answer, OrderLine, Report, ReportReply } from './sync.ts'

const byNode = Type.Object({
  node: NodeNameSchema,
  session: Type.Optional(
    Type.String({
      maxLength: 200,
      description: 'as in its reports: only the one that is heard gets orders',
    }),
  ),
})

export const exchangeRoutes = {
  report: route({
    method: 'POST',
    path: '/v1/node/report',
    summary: 'An exec-node reports',
    access: 'node',
    params: nothing,
    query: nothing,
    body: Report,
    reply: ReportReply,
    errors: [
      'invalid',
      'unauthenticated',
      'wrong-grid',
      'wrong-protocol',
      'node-refused',
      'unavailable',
    ],
  }),
  orders: route({
    method: 'GET',
    path: '/v1/node/orders',
    summary: 'Stream of orders to an exec-node',
    access: 'node',
    params: nothing,
    query: byNode,
    body: nothing,
    reply: OrderLine,
    errors: ['unauthenticated', 'not-found'],
    shape: 'ndjson',
  }),
  answer: route({
    method: 'POST',
    path: '/v1/node/answers/:id',
    summary: 'An exec-node answers a question',
    access: 'node',
    params: Type.Object({ id: Type.String() }),
    query: nothing,
    body: Answer,
    reply: nothing,
    errors: ['unauthenticated', 'not-found'],
  }),
}
